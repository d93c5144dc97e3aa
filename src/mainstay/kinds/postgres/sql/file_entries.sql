-- What ALTER SYSTEM has written, and what the server cannot use of its configuration files.
-- columns: as in parameters.Entry
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/view-pg-file-settings.html
-- A new value that waits for a restart has the same error as a bad one; pg_settings.pending_restart tells them apart.
SELECT coalesce(f.name, '')::text AS name,
       coalesce(f.setting, '') AS value,
       f.sourcefile AS file,
       f.sourceline AS line,
       f.sourcefile LIKE '%/postgresql.auto.conf' AS automatic,
       CASE WHEN s.pending_restart THEN '' ELSE coalesce(f.error, '') END AS problem
FROM pg_file_settings f
LEFT JOIN pg_settings s ON s.name = lower(f.name)
WHERE f.sourcefile LIKE '%/postgresql.auto.conf' OR f.error IS NOT NULL
ORDER BY f.seqno;
