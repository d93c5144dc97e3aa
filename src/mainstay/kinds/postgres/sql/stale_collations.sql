-- Collations whose order the operating system (or ICU) has changed since they were recorded: indexes on text may be wrong.
-- columns: as in indexes.StaleCollation
-- versions: 13-14, which record no version for the database's own collation
-- source: https://www.postgresql.org/docs/13/sql-altercollation.html
SELECT current_database()::text AS database, n.nspname::text AS schema, c.collname::text AS name, c.oid::bigint AS oid,
       c.collversion AS recorded, pg_collation_actual_version(c.oid) AS actual,
       pg_has_role(c.collowner, 'USAGE') AS owned,
       EXISTS (SELECT FROM pg_partitioned_table p WHERE c.oid = ANY (p.partcollation::oid[])) AS partitions
FROM pg_collation c
JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE c.collversion <> pg_collation_actual_version(c.oid);
