-- The settings that this role may change with ALTER SYSTEM.
-- columns: as in parameters.Alterable
-- versions: 13-14
-- source: https://www.postgresql.org/docs/14/sql-altersystem.html
SELECT s.name::text AS name
FROM pg_settings s
JOIN pg_roles r ON r.rolname = current_user
WHERE r.rolsuper AND s.context <> 'internal'
ORDER BY s.name;
