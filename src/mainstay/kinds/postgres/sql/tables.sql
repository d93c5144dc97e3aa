-- Every table and materialised view of this database with storage of its own, with sizes, row counts, ages and what autovacuum would do.
-- columns: as in rows.Table
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/routine-vacuuming.html, view pg_stat_all_tables
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NOT NULL THEN r.relpages * current_setting('block_size')::bigint
                     WHEN r.relkind IN ('r', 'm') THEN pg_relation_size(r.oid) ELSE pg_table_size(r.oid) END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind IN ('r', 'm', 't', 'i')
), keys AS (
  SELECT i.indrelid, sum(s.size)::bigint AS size FROM pg_index i JOIN sized s ON s.oid = i.indexrelid GROUP BY 1
)
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.oid::bigint AS oid,
       c.relkind::text AS kind,
       pg_get_userbyid(c.relowner)::text AS owner,
       pg_has_role(c.relowner, 'USAGE') AS owned,
       size.size AS heap,
       coalesce(toast.size + toast_keys.size, 0) AS toast,
       coalesce(keys.size, 0) AS indexes,
       c.reltuples::float8 AS rows,
       coalesce(s.n_live_tup, 0) AS live,
       coalesce(s.n_dead_tup, 0) AS dead,
       coalesce(s.n_mod_since_analyze, 0) AS modified,
       coalesce(s.n_ins_since_vacuum, 0) AS inserted,
       coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) AS scans,
       coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0) AS writes,
       extract(epoch FROM clock_timestamp() - greatest(s.last_vacuum, s.last_autovacuum))::float8 AS vacuumed,
       extract(epoch FROM clock_timestamp() - greatest(s.last_analyze, s.last_autoanalyze))::float8 AS analyzed,
       coalesce(w.command, '') AS busy,
       greatest(age(c.relfrozenxid), age(t.relfrozenxid)) AS xid_age,
       greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) AS mxid_age,
       least(coalesce((o.set ->> 'autovacuum_freeze_max_age')::int, g.freeze_max_age), g.freeze_max_age) AS freeze_max_age,
       coalesce((o.set ->> 'autovacuum_vacuum_threshold')::float8, g.vacuum_threshold)
         + coalesce((o.set ->> 'autovacuum_vacuum_scale_factor')::float8, g.vacuum_scale) * greatest(c.reltuples, 0) AS dead_limit,
       coalesce((o.set ->> 'fillfactor')::int, 100) AS fillfactor,
       g.autovacuum AND coalesce((o.set ->> 'autovacuum_enabled')::boolean, true) AS autovacuum,
       c.relpersistence::text AS persistence
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN sized size ON size.oid = c.oid AND size.size IS NOT NULL  -- NULL: dropped meanwhile
LEFT JOIN keys ON keys.indrelid = c.oid
LEFT JOIN sized toast ON toast.oid = c.reltoastrelid
LEFT JOIN keys toast_keys ON toast_keys.indrelid = c.reltoastrelid
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid AND c.reltoastrelid <> 0
LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
CROSS JOIN LATERAL (SELECT coalesce(jsonb_object_agg(option_name, option_value), '{}') AS set FROM pg_options_to_table(c.reloptions)) o
CROSS JOIN (
  SELECT current_setting('autovacuum_freeze_max_age')::int AS freeze_max_age,
         current_setting('autovacuum_vacuum_threshold')::float8 AS vacuum_threshold,
         current_setting('autovacuum_vacuum_scale_factor')::float8 AS vacuum_scale,
         current_setting('autovacuum')::boolean AS autovacuum
) g
LEFT JOIN LATERAL (
  SELECT string_agg('VACUUM by process ' || p.pid, ', ') AS command
  FROM pg_stat_progress_vacuum p WHERE p.relid IN (c.oid, c.reltoastrelid) AND p.datname = current_database()
) w ON true
WHERE c.relkind IN ('r', 'm')
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_toast', 'information_schema')
  AND n.nspname !~ '^pg_temp_|^pg_toast_temp_'
  AND (n.nspname <> 'pg_catalog' OR size.size > 16777216)
ORDER BY 2, 3;
