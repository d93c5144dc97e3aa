-- How many pages the tables of `mainstay.only` and their TOAST have now.
-- columns: as in mover.Extent
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-DBSIZE
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) / current_setting('block_size')::bigint ELSE r.relpages END AS pages
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind IN ('r', 'm', 't')
)
SELECT c.oid::bigint AS oid, coalesce(s.pages, 0) AS pages, coalesce(t.pages, 0) AS toast_pages
FROM pg_class c
JOIN sized s ON s.oid = c.oid
LEFT JOIN sized t ON t.oid = c.reltoastrelid
WHERE c.relkind IN ('r', 'm')
  AND coalesce(c.oid = ANY (nullif(nullif(current_setting('mainstay.only', true), ''), '{}')::oid[]), true)
ORDER BY c.oid;
