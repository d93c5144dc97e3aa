-- What is not as one would expect: `damage` can be in no copy that was just made, `oddity` is in a copy if it is in the original, `left out` is in none.
-- columns: as in store.catalog.Remark
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-index.html, https://www.postgresql.org/docs/current/catalog-pg-constraint.html
WITH own AS (
  SELECT c.oid, c.relkind, c.relpersistence, format('%I.%I', n.nspname, c.relname) AS quoted
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
)
SELECT 'index ' || own.quoted AS object,
       'invalid' AS problem,
       CASE own.relkind WHEN 'I' THEN 'oddity' ELSE 'damage' END AS sort
FROM pg_index i JOIN own ON own.oid = i.indexrelid WHERE NOT i.indisvalid
UNION ALL
SELECT format('constraint %I of %s', k.conname, coalesce(own.quoted, k.contypid::regtype::text)), 'not validated', 'oddity'
FROM pg_constraint k LEFT JOIN own ON own.oid = k.conrelid WHERE NOT k.convalidated
UNION ALL
SELECT 'foreign table ' || own.quoted, 'its rows are elsewhere and were not copied', 'left out' FROM own WHERE own.relkind = 'f'
UNION ALL
SELECT 'unlogged table ' || own.quoted, 'a standby has no rows of it', 'left out' FROM own
WHERE own.relkind = 'r' AND own.relpersistence = 'u' AND pg_is_in_recovery()
ORDER BY 3, 1;
