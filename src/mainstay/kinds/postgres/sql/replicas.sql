-- The replicas and other readers of the write-ahead log that are connected to this server.
-- columns: as in health.rows.Replica
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html, view pg_stat_replication
SELECT pid,
       coalesce(application_name, '') AS application,
       coalesce(host(client_addr), 'local') AS client,
       coalesce(state, 'hidden') AS state,
       coalesce(sync_state, '') AS sync,
       extract(epoch FROM replay_lag)::float8 AS lag,
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, replay_lsn)::bigint AS behind,
       age(backend_xmin) AS xids
FROM pg_stat_replication
ORDER BY 7 DESC NULLS LAST
LIMIT 50;
