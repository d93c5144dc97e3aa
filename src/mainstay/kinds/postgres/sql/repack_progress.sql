-- How much of the tables of `mainstay.only` pg_repack has copied.
-- columns: as in repack.Copied
-- versions: 13-
-- source: https://reorg.github.io/pg_repack/
SELECT c.oid::bigint AS oid, coalesce(pg_table_size(to_regclass('repack.table_' || c.oid)), 0) AS bytes
FROM pg_class c
WHERE c.oid = ANY (coalesce(current_setting('mainstay.only', true), '{}')::oid[])
ORDER BY c.oid;
