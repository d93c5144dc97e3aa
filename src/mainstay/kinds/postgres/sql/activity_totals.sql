-- What all databases together have read, written to temporary files and lost since their statistics were reset, and the checkpoints.
-- columns: as in health.rows.Totals
-- versions: 13-16
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html, views pg_stat_database and pg_stat_bgwriter
SELECT d.hits, d.reads, d.temp_files, d.temp_bytes, d.deadlocks, b.checkpoints_timed AS timed, b.checkpoints_req AS requested
FROM (
  SELECT sum(blks_hit)::bigint AS hits, sum(blks_read)::bigint AS reads, sum(temp_files)::bigint AS temp_files,
         sum(temp_bytes)::bigint AS temp_bytes, sum(deadlocks)::bigint AS deadlocks
  FROM pg_stat_database
) d
CROSS JOIN pg_stat_bgwriter b;
