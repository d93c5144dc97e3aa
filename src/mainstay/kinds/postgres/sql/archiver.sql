-- Whether the write-ahead log is archived, and when that last worked and failed; seconds ago.
-- columns: as in health.rows.Archiver
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html, view pg_stat_archiver
SELECT current_setting('archive_mode') AS mode,
       coalesce(nullif(current_setting('archive_command', true), '(disabled)'), '') <> ''
         OR coalesce(current_setting('archive_library', true), '') <> '' AS configured,
       a.archived_count AS archived,
       a.failed_count AS failed,
       coalesce(a.last_archived_wal, '') AS last_archived,
       coalesce(a.last_failed_wal, '') AS last_failed,
       extract(epoch FROM clock_timestamp() - a.last_archived_time)::float8 AS archived_ago,
       extract(epoch FROM clock_timestamp() - a.last_failed_time)::float8 AS failed_ago
FROM pg_stat_archiver a;
