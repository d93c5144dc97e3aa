-- This session's process, so that its machine can be recognised, and what settings depend on there.
-- columns: as in machine.Whereabouts
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/functions-info.html
SELECT pg_backend_pid() AS pid,
       coalesce(inet_client_port(), -1) AS port,
       current_user::text AS role,
       current_database()::text AS database,
       CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('data_directory') ELSE '' END AS folder,
       current_setting('max_connections')::int AS max_connections,
       current_setting('autovacuum_max_workers')::int AS autovacuum_workers,
       current_setting('huge_pages') AS huge_pages,
       has_function_privilege('pg_reload_conf()', 'EXECUTE') AS may_reload,
       has_function_privilege('pg_show_all_file_settings()', 'EXECUTE')
         AND has_table_privilege('pg_file_settings', 'SELECT') AS sees_files,
       (SELECT sum(blks_hit)::float8 / nullif(sum(blks_hit + blks_read), 0) FROM pg_stat_database) AS cache_hit;
