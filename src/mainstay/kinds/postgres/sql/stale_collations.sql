-- Collations whose order the operating system (or ICU) has changed since they were recorded: indexes on text may be wrong.
-- columns: as in indexes.StaleCollation
-- versions: 13-14, which record no version for the database's own collation
-- source: https://www.postgresql.org/docs/13/sql-altercollation.html
SELECT current_database()::text AS database, c.oid::bigint AS oid, c.collname::text AS name,
       c.collversion AS recorded, pg_collation_actual_version(c.oid) AS actual
FROM pg_collation c
WHERE c.collversion <> pg_collation_actual_version(c.oid);
