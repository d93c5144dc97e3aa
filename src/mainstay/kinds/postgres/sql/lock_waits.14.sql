-- Sessions that wait for a lock, and those that they wait for.
-- columns: as in health.rows.Waiter
-- versions: 14-
-- source: https://www.postgresql.org/docs/current/functions-info.html, function pg_blocking_pids; view pg_locks
WITH waiting AS (
  SELECT w.pid, w.began, pg_blocking_pids(w.pid) AS blockers
  FROM (SELECT l.pid, min(l.waitstart) AS began FROM pg_locks l WHERE NOT l.granted GROUP BY 1) w
)
SELECT p.pid,
       coalesce(w.blockers, '{}') AS blockers,
       CASE WHEN w.pid IS NOT NULL THEN extract(epoch FROM clock_timestamp() - coalesce(w.began, clock_timestamp())) END::float8 AS waited,
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
