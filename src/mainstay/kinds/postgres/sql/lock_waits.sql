-- Sessions that wait for a lock, and those that they wait for; before version 14 a wait counts from the start of the statement.
-- columns: as in health.rows.Waiter
-- versions: 13
-- source: https://www.postgresql.org/docs/current/functions-info.html, function pg_blocking_pids
WITH waiting AS (
  SELECT w.pid, pg_blocking_pids(w.pid) AS blockers FROM (SELECT DISTINCT l.pid FROM pg_locks l WHERE NOT l.granted) w
)
SELECT p.pid,
       coalesce(w.blockers, '{}') AS blockers,
       CASE WHEN w.pid IS NOT NULL THEN extract(epoch FROM clock_timestamp() - a.query_start) END::float8 AS waited,
       coalesce(a.datname, '')::text AS database,
       coalesce(a.usename, '')::text AS "user",
       coalesce(a.application_name, '') AS application,
       coalesce(a.state, '') AS state,
       left(coalesce(a.query, ''), 1000) AS query
FROM (SELECT pid FROM waiting UNION SELECT unnest(blockers) FROM waiting) p
LEFT JOIN waiting w ON w.pid = p.pid
LEFT JOIN pg_stat_activity a ON a.pid = p.pid
ORDER BY 3 DESC NULLS FIRST, 1
LIMIT 500;
