-- What the server has done since its counters began, all databases together; `clock` is seconds since 1970, times are seconds.
-- columns: as in work.Totals
-- versions: 13-16
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html
SELECT extract(epoch FROM clock_timestamp())::float8 AS clock,
       sum(d.xact_commit)::bigint AS commits,
       sum(d.xact_rollback)::bigint AS rollbacks,
       sum(d.blks_hit)::bigint AS hits,
       sum(d.blks_read)::bigint AS reads,
       sum(d.tup_returned)::bigint AS rows_read,
       sum(d.tup_fetched)::bigint AS rows_fetched,
       sum(d.tup_inserted + d.tup_updated + d.tup_deleted)::bigint AS rows_written,
       sum(d.temp_bytes)::bigint AS temp,
       sum(d.deadlocks)::bigint AS deadlocks,
       sum(d.conflicts)::bigint AS conflicts,
       (sum(d.blk_read_time + d.blk_write_time) / 1000)::float8 AS io,
       (SELECT checkpoints_timed FROM pg_stat_bgwriter) AS timed,
       (SELECT checkpoints_req FROM pg_stat_bgwriter) AS requested,
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, '0/0')::bigint AS wal
FROM pg_stat_database d;
