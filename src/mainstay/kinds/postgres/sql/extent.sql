-- How many pages the tables of `mainstay.only` and their TOAST have now.
-- columns: as in mover.Extent
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-DBSIZE
SELECT c.oid::bigint AS oid,
       pg_relation_size(c.oid) / current_setting('block_size')::bigint AS pages,
       coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0) / current_setting('block_size')::bigint AS toast_pages
FROM pg_class c
WHERE c.relkind IN ('r', 'm')
  AND (coalesce(current_setting('mainstay.only', true), '{}') = '{}' OR c.oid = ANY (current_setting('mainstay.only', true)::oid[]))
ORDER BY c.oid;
