-- Client connections by database, user, application and state; those that have not been used for longest are first among equals.
-- columns: as in health.rows.Connections
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html, view pg_stat_activity
SELECT a.datname::text AS database,
       coalesce(a.usename, '')::text AS "user",
       coalesce(a.application_name, '') AS application,
       coalesce(a.state, 'hidden') AS state,
       count(*) AS count,
       max(extract(epoch FROM clock_timestamp() - a.state_change))::float8 AS oldest
FROM pg_stat_activity a
WHERE coalesce(a.backend_type, 'client backend') = 'client backend' AND a.datid IS NOT NULL AND a.leader_pid IS NULL
  AND a.pid <> pg_backend_pid()
GROUP BY 1, 2, 3, 4
ORDER BY 5 DESC, 6 DESC NULLS LAST
LIMIT 50;
