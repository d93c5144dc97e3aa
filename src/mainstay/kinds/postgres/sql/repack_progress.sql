-- How much of the tables of `mainstay.only` pg_repack has copied, and whether it queues for a lock to clean up.
-- columns: as in repack.Copied
-- versions: 13-
-- source: https://reorg.github.io/pg_repack/
SELECT c.oid::bigint AS oid,
       coalesce(pg_table_size(to_regclass('repack.table_' || c.oid)), 0) AS bytes,
       EXISTS (
         SELECT FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.relation = c.oid AND NOT l.granted AND l.mode = 'AccessExclusiveLock' AND a.query LIKE 'SELECT repack.repack_drop%'
       ) AS insists
FROM pg_class c
WHERE c.oid = ANY (nullif(current_setting('mainstay.only', true), '')::oid[])
ORDER BY c.oid;
