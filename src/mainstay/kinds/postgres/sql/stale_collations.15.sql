-- Collations whose order the operating system (or ICU) has changed since they were recorded: indexes on text may be wrong.
-- columns: as in indexes.StaleCollation
-- versions: 15-
-- source: https://www.postgresql.org/docs/current/sql-altercollation.html, https://www.postgresql.org/docs/current/sql-alterdatabase.html
SELECT current_database()::text AS database, n.nspname::text AS schema, c.collname::text AS name, c.oid::bigint AS oid,
       c.collversion AS recorded, pg_collation_actual_version(c.oid) AS actual,
       pg_has_role(c.collowner, 'USAGE') AS owned,
       EXISTS (SELECT FROM pg_partitioned_table p WHERE c.oid = ANY (p.partcollation::oid[])) AS partitions
FROM pg_collation c
JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE c.collversion <> pg_collation_actual_version(c.oid)
UNION ALL
SELECT d.datname::text, '', 'of the database', 100, d.datcollversion, pg_database_collation_actual_version(d.oid),
       pg_has_role(d.datdba, 'USAGE'),
       EXISTS (SELECT FROM pg_partitioned_table p WHERE 100 = ANY (p.partcollation::oid[]))
FROM pg_database d
WHERE d.datname = current_database() AND d.datcollversion <> pg_database_collation_actual_version(d.oid);
