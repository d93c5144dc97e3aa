-- Tables with more dead rows than autovacuum waits for, and the oldest ones, measured by what this server allows.
-- columns: as in health.rows.LateTable
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
WITH known AS (
  SELECT n.nspname, c.relname, coalesce(s.n_dead_tup, 0) AS dead,
         coalesce((o.set ->> 'autovacuum_vacuum_threshold')::float8, current_setting('autovacuum_vacuum_threshold')::float8)
           + coalesce((o.set ->> 'autovacuum_vacuum_scale_factor')::float8, current_setting('autovacuum_vacuum_scale_factor')::float8)
             * greatest(c.reltuples, 0) AS dead_limit,
         coalesce((o.set ->> 'autovacuum_enabled')::boolean, true) AS autovacuum,
         greatest(age(c.relfrozenxid), age(t.relfrozenxid)) AS xids,
         greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) AS mxids,
         extract(epoch FROM clock_timestamp() - greatest(s.last_vacuum, s.last_autovacuum))::float8 AS vacuumed
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_class t ON t.oid = c.reltoastrelid AND c.reltoastrelid <> 0
  LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
  CROSS JOIN LATERAL (SELECT coalesce(jsonb_object_agg(option_name, option_value), '{}') AS set FROM pg_options_to_table(c.reloptions)) o
  WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
),
ranked AS (
  SELECT k.*,
         -- version 18 bounds what the size of a table adds
         least(k.dead_limit, nullif(coalesce(current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1), -1)) AS starts,
         row_number() OVER (ORDER BY k.xids DESC) AS by_xids,
         row_number() OVER (ORDER BY k.mxids DESC) AS by_mxids
  FROM known k
)
SELECT current_database()::text AS database, nspname::text AS schema, relname::text AS name, dead, starts, autovacuum, xids, mxids, vacuumed
FROM ranked
WHERE dead > starts OR by_xids = 1 OR by_mxids = 1
ORDER BY dead / greatest(starts, 1) DESC, 2, 3
LIMIT 200;
