-- The statements that clients are running now, and what each of them waits for.
-- columns: as in running.Running
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html, view pg_stat_activity
SELECT pid,
       datname::text AS database,
       usename::text AS role,
       application_name AS application,
       coalesce(wait_event_type || ': ' || wait_event, 'CPU') AS wait,
       extract(epoch FROM clock_timestamp() - query_start)::float8 AS age,
       left(query, 4000) AS query
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
ORDER BY query_start
LIMIT 200;
