-- What this role and server allow for making tables smaller.
-- columns: as in compactable.Means
-- versions: 15-
-- source: https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE
SELECT current_database()::text AS database,
       current_setting('server_version_num')::int / 10000 AS major,
       r.rolsuper AS superuser,
       has_parameter_privilege('session_replication_role', 'SET') AS quiet,
       coalesce((SELECT e.extversion FROM pg_extension e WHERE e.extname = 'pg_repack'), '')::text AS extension_version,
       current_setting('wal_level') AS wal_level,
       coalesce((SELECT s.setting FROM pg_settings s WHERE s.name = 'data_directory'), '')::text AS folder,
       current_setting('port')::int AS port
FROM pg_roles r
WHERE r.rolname = current_user;
