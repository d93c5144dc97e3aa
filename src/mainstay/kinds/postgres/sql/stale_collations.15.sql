-- Collations whose order the operating system (or ICU) has changed since they were recorded: indexes on text may be wrong.
-- columns: as in indexes.StaleCollation
-- versions: 15-
-- source: https://www.postgresql.org/docs/current/sql-altercollation.html, https://www.postgresql.org/docs/current/sql-alterdatabase.html
SELECT current_database()::text AS database, c.oid::bigint AS oid, c.collname::text AS name,
       c.collversion AS recorded, pg_collation_actual_version(c.oid) AS actual
FROM pg_collation c
WHERE c.collversion <> pg_collation_actual_version(c.oid)
UNION ALL
SELECT d.datname::text, 100, 'of the database', d.datcollversion, pg_database_collation_actual_version(d.oid)
FROM pg_database d
WHERE d.datname = current_database() AND d.datcollversion <> pg_database_collation_actual_version(d.oid);
