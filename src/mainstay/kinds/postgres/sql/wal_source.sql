-- Where the server's write-ahead log is now, whose log it is, and how much of it lies in pg_wal.
-- columns: as in recovery.facts.Source
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CONTROLDATA, functions-admin.html, view pg_settings
SELECT clock_timestamp() AS at,
       c.system_identifier::text AS system,
       current_setting('server_version_num')::int / 10000 AS major,
       current_setting('server_version') AS version,
       pg_is_in_recovery() AS standby,
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END::text AS written,
       (SELECT r.rolname::text FROM pg_roles r WHERE r.oid = 10) AS installer,
       ARRAY(SELECT t.spcname::text FROM pg_tablespace t WHERE pg_tablespace_location(t.oid) <> '' ORDER BY 1) AS spaces,
       (SELECT sum(CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) END)::bigint FROM pg_database d) AS size,
       coalesce((SELECT s.setting FROM pg_settings s WHERE s.name = 'data_directory'), '') AS folder,
       current_setting('archive_mode') AS archive_mode,
       current_setting('wal_level') AS wal_level
FROM pg_control_system() c;
