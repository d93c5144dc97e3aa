-- Clients by user, application and address, each with the seconds since its sessions last did something; the last active first.
-- columns: as in activity.Client
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html, view pg_stat_activity
SELECT coalesce(a.usename, '')::text AS "user",
       coalesce(a.application_name, '') AS application,
       coalesce(host(a.client_addr), 'local') AS address,
       coalesce(array_agg(a.quiet ORDER BY a.quiet) FILTER (WHERE a.quiet IS NOT NULL), '{}') AS quiet,
       count(*) FILTER (WHERE a.quiet IS NULL) AS hidden
FROM (
  SELECT usename, application_name, client_addr,
         CASE WHEN state = 'active' THEN 0
              WHEN state_change IS NOT NULL THEN greatest(extract(epoch FROM clock_timestamp() - state_change), 0)::int END AS quiet
  FROM pg_stat_activity
  WHERE coalesce(backend_type, 'client backend') = 'client backend' AND datid IS NOT NULL AND leader_pid IS NULL
    AND pid <> pg_backend_pid()
) a
GROUP BY 1, 2, 3
ORDER BY min(a.quiet), 1, 2, 3
LIMIT 200;
