-- Check one table, which the setting mainstay.only names, up to its first damaged page.
-- columns: as in soundness.Checked
-- versions: 14-, with the extension amcheck
-- source: https://www.postgresql.org/docs/current/amcheck.html
SELECT c.oid::bigint AS oid, coalesce(string_agg(format('block %s, row %s: %s', v.blkno, v.offnum, v.msg), '; ') FILTER (WHERE v.msg IS NOT NULL), '') AS problem
FROM pg_class c
LEFT JOIN LATERAL verify_heapam(c.oid, on_error_stop => true) v ON true
WHERE c.oid = ANY (coalesce(nullif(current_setting('mainstay.only', true), ''), '{}')::oid[]) AND c.relkind IN ('r', 'm', 't')
GROUP BY c.oid;
