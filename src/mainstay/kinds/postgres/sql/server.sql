-- The server and this role on it.
-- columns: as in rows.Identity
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/predefined-roles.html
SELECT current_setting('server_version_num')::int AS version,
       current_setting('server_version') AS version_text,
       current_user::text AS role,
       current_database()::text AS database,
       r.rolsuper AS superuser,
       pg_has_role('pg_monitor', 'USAGE') AS monitor,
       pg_has_role('pg_signal_backend', 'USAGE') AS signals,
       pg_is_in_recovery() AS in_recovery,
       current_setting('data_checksums')::boolean AS checksums,
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS uptime,
       ARRAY(SELECT e.extname || ' ' || e.extversion FROM pg_extension e ORDER BY 1) AS extensions
FROM pg_roles r
WHERE r.rolname = current_user;
