-- Check one b-tree index (the setting mainstay.only names it) page by page and row by row; writes to its table wait.
-- columns: as in soundness.Checked
-- versions: 13-, with the extension amcheck
-- source: https://www.postgresql.org/docs/current/amcheck.html
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
)
SELECT c.oid::bigint AS oid, bt_index_parent_check(c.oid, true, true)::text AS problem
FROM pg_class c
JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.oid = ANY (coalesce(nullif(current_setting('mainstay.only', true), ''), '{}')::oid[]) AND c.relkind = 'i' AND c.relam = 403
  AND c.oid NOT IN (SELECT relation FROM locked) AND i.indrelid NOT IN (SELECT relation FROM locked);
