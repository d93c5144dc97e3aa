-- How much of the tables of `mainstay.only` pg_repack has copied, and whether it queues for a lock to clean up.
-- columns: as in repack.Copied
-- versions: 13-
-- source: https://reorg.github.io/pg_repack/
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
)
SELECT c.oid::bigint AS oid,
       coalesce(pg_table_size((
         SELECT copy.oid FROM pg_class copy
         WHERE copy.oid = to_regclass('repack.table_' || c.oid) AND copy.oid NOT IN (SELECT relation FROM locked)
       )), 0) AS bytes,
       EXISTS (
         SELECT FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.relation = c.oid AND NOT l.granted AND l.mode = 'AccessExclusiveLock' AND a.query LIKE 'SELECT repack.repack_drop%'
       ) AS insists
FROM pg_class c
WHERE c.oid = ANY (nullif(current_setting('mainstay.only', true), '')::oid[])
ORDER BY c.oid;
