-- Sessions with a statement or a transaction under way, dumps and replication among them, with whom they wait for. Parallel workers
-- belong to their leader.
-- columns: as in backends.Backend
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/monitoring-stats.html, view pg_stat_activity
SELECT a.pid,
       (extract(epoch FROM a.backend_start) * 1000000)::bigint::text AS started,
       coalesce((extract(epoch FROM w.since) * 1000000)::bigint, 0)::text AS since,
       coalesce(a.backend_type, '') AS type,
       coalesce(a.state, '') AS state,
       coalesce(a.usename, '')::text AS role,
       coalesce(a.datname, '')::text AS database,
       a.application_name AS application,
       extract(epoch FROM clock_timestamp() - w.since)::float8 AS age,
       coalesce(r.rolsuper, false) AS superuser,
       pg_has_role('pg_signal_backend', 'USAGE') OR coalesce(pg_has_role(a.usesysid, 'USAGE'), false) AS may_signal,
       CASE WHEN a.wait_event_type = 'Lock' THEN pg_blocking_pids(a.pid) ELSE '{}' END AS waits_for,
       coalesce(a.query, '') ~* '^\s*copy\M.*\mto\s+stdout' AS copies_out,
       left(regexp_replace(coalesce(a.query, ''), '\s+', ' ', 'g'), 80) AS query
FROM pg_stat_activity a
CROSS JOIN LATERAL (SELECT CASE a.state WHEN 'active' THEN a.query_start ELSE a.state_change END AS since) w
LEFT JOIN pg_roles r ON r.oid = a.usesysid
WHERE a.pid <> pg_backend_pid()
  AND a.leader_pid IS NULL
  AND a.state IS DISTINCT FROM 'idle'
  AND coalesce(a.backend_type, 'client backend') IN ('client backend', 'walsender', 'autovacuum worker')
ORDER BY a.pid;
