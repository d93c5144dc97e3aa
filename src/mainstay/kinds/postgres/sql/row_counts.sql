-- How many rows each table of this database has, counted.
-- columns: as in rehearsing.Counted
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/functions-xml.html, query_to_xml runs a query that is put together by format()
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS name,
       substring(query_to_xml(format('SELECT count(*) AS n FROM ONLY %I.%I', n.nspname, c.relname), false, false, '')::text
                 FROM '<n>(\d+)</n>')::bigint AS rows
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm')
  AND c.relpersistence <> 't'
  AND (c.relkind = 'r' OR c.relispopulated)
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND has_table_privilege(c.oid, 'SELECT')
ORDER BY 2, 3;
