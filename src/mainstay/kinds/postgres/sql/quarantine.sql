-- The tables that hold rows which were moved out of the way, with what was noted of them when they were made.
-- columns: as in orphan_rules.Kept
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/functions-info.html, obj_description
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind IN ('r', 't', 'i')
)
SELECT current_database()::text AS database,
       c.relname::text AS name,
       k.note ->> 'rule' AS rule,
       k.note ->> 'table' AS origin,
       extract(epoch FROM clock_timestamp())::float8 - (k.note ->> 'at')::float8 AS age,
       (SELECT coalesce(sum(s.size), 0) FROM sized s
        WHERE s.oid IN (c.oid, c.reltoastrelid)
          OR s.oid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid IN (c.oid, c.reltoastrelid)))::bigint AS size
FROM pg_class c
CROSS JOIN LATERAL (SELECT substring(obj_description(c.oid, 'pg_class') FROM '^mainstay (\{.*\})$')::jsonb AS note) k
WHERE c.relnamespace = to_regnamespace('mainstay_quarantine')
  AND c.relkind = 'r'
  AND k.note IS NOT NULL
ORDER BY 2;
