-- For how long this database has counted the use of its tables and indexes, and whether standbys count theirs elsewhere.
-- columns: as in index_use.Observed
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html; counters that a crash has reset have no date of their own
SELECT current_database()::text AS database,
       extract(epoch FROM clock_timestamp() - greatest(d.stats_reset, b.stats_reset))::float8 AS age,
       (SELECT count(*) FROM pg_stat_replication) AS standbys
FROM pg_stat_database d
CROSS JOIN pg_stat_bgwriter b
WHERE d.datname = current_database();
