-- Check one b-tree index (the setting mainstay.only names it) and that every row of its table has its entry.
-- columns: as in soundness.Checked
-- versions: 13-, with the extension amcheck
-- source: https://www.postgresql.org/docs/current/amcheck.html
SELECT c.oid::bigint AS oid, bt_index_check(c.oid, true)::text AS problem
FROM pg_class c
WHERE c.oid = ANY (coalesce(nullif(current_setting('mainstay.only', true), ''), '{}')::oid[]) AND c.relkind = 'i' AND c.relam = 403;
