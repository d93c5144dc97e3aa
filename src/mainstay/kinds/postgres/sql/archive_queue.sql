-- Files of the write-ahead log that wait to be archived, and since when the first of them does; needs pg_monitor.
-- columns: as in health.rows.ArchiveQueue
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-GENFILE, function pg_ls_archive_statusdir
SELECT count(*) AS files, max(extract(epoch FROM clock_timestamp() - modification))::float8 AS oldest
FROM pg_ls_archive_statusdir()
WHERE name LIKE '%.ready';
