-- The settings that this role may change with ALTER SYSTEM.
-- columns: as in parameters.Alterable
-- versions: 15-
-- source: https://www.postgresql.org/docs/current/sql-altersystem.html, setting allow_alter_system (17)
SELECT s.name::text AS name
FROM pg_settings s
WHERE s.context <> 'internal'
  AND has_parameter_privilege(s.name, 'ALTER SYSTEM')
  AND coalesce(current_setting('allow_alter_system', true), 'on')::boolean
ORDER BY s.name;
