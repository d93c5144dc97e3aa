-- Sessions that run a statement or have a transaction open, the oldest first. `role` says which of them must be left alone.
-- columns: as in health.rows.Busy
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html, view pg_stat_activity
SELECT a.pid,
       coalesce(a.datname, '')::text AS database,
       coalesce(a.usename, '')::text AS "user",
       coalesce(a.application_name, '') AS application,
       coalesce(a.state, '') AS state,
       coalesce(a.wait_event_type || ': ' || a.wait_event, '') AS wait,
       CASE
         WHEN a.backend_type = 'autovacuum worker' AND a.query LIKE '%(to prevent wraparound)' THEN 'autovacuum to prevent wraparound'
         WHEN a.backend_type = 'autovacuum worker' THEN 'autovacuum'
         WHEN starts_with(a.application_name, 'mainstay') THEN 'mainstay'
         WHEN a.application_name ~* '^(pg_dump|pg_basebackup|pgbackrest|barman|wal-g)'
           OR (a.state = 'active' AND a.query ~* '\mpg_(start_backup|backup_start|stop_backup|backup_stop)\M') THEN 'backup'
         WHEN a.backend_type = 'walsender' THEN 'replication'
         WHEN a.backend_type = 'client backend' THEN 'client'
         ELSE coalesce(a.backend_type, 'client')
       END AS role,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction,
       CASE WHEN a.state = 'active' THEN extract(epoch FROM clock_timestamp() - a.query_start) END::float8 AS statement,
       CASE WHEN a.state LIKE 'idle in transaction%' THEN extract(epoch FROM clock_timestamp() - a.state_change) END::float8 AS idle,
       greatest(age(a.backend_xmin), age(a.backend_xid)) AS xids,
       left(coalesce(a.query, ''), 1000) AS query
FROM pg_stat_activity a
WHERE (a.xact_start IS NOT NULL OR a.backend_xmin IS NOT NULL OR a.state = 'active')
  AND a.leader_pid IS NULL
  AND a.pid <> pg_backend_pid()
ORDER BY coalesce(a.xact_start, a.query_start)
LIMIT 500;
