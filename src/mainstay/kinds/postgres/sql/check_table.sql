-- Check one table, which the setting mainstay.only names, up to its first damaged page.
-- columns: as in soundness.Checked
-- versions: 14-, with the extension amcheck
-- source: https://www.postgresql.org/docs/current/amcheck.html
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
)
SELECT c.oid::bigint AS oid, coalesce(string_agg(format('block %s, row %s: %s', v.blkno, v.offnum, v.msg), '; ') FILTER (WHERE v.msg IS NOT NULL), '') AS problem
FROM pg_class c
LEFT JOIN LATERAL verify_heapam(c.oid, on_error_stop => true) v ON true
WHERE c.oid = ANY (coalesce(nullif(current_setting('mainstay.only', true), ''), '{}')::oid[]) AND c.relkind IN ('r', 'm', 't')
  AND c.oid NOT IN (SELECT relation FROM locked) AND c.reltoastrelid NOT IN (SELECT relation FROM locked)
GROUP BY c.oid;
