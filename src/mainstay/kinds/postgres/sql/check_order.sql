-- Check the order of one b-tree index, which the setting mainstay.only names.
-- columns: as in soundness.Checked
-- versions: 13-, with the extension amcheck
-- source: https://www.postgresql.org/docs/current/amcheck.html
SELECT c.oid::bigint AS oid, bt_index_check(c.oid)::text AS problem
FROM pg_class c
WHERE c.oid = ANY (coalesce(nullif(current_setting('mainstay.only', true), ''), '{}')::oid[]) AND c.relkind = 'i' AND c.relam = 403;
