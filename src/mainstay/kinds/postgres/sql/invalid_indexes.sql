-- Indexes that no query uses because their build did not end; `builder` is the process that builds one now.
-- columns: as in health.rows.InvalidIndex
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind = 'i'
)
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS name,
       t.relname::text AS "table",
       c.relkind = 'I' AS partitioned,
       coalesce(size.size, 0) AS size,
       coalesce((SELECT min(p.pid) FROM pg_stat_progress_create_index p
                 WHERE p.datname = current_database() AND p.index_relid = c.oid), 0) AS builder
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN sized size ON size.oid = c.oid
WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND c.relpersistence <> 't'
ORDER BY 6 DESC, 2, 3
LIMIT 200;
