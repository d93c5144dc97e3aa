-- How far each long maintenance command is, in one unit each.
-- columns: as in rows.Progress
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/progress-reporting.html
SELECT pid, 'vacuum' AS command, phase::text AS phase,
       CASE WHEN phase = 'vacuuming heap' THEN heap_blks_vacuumed ELSE heap_blks_scanned END AS done, heap_blks_total AS total, 'pages' AS unit
FROM pg_stat_progress_vacuum
UNION ALL
SELECT pid, 'analyze', phase::text, sample_blks_scanned, sample_blks_total, 'pages' FROM pg_stat_progress_analyze
UNION ALL
SELECT pid, 'index', phase::text || CASE WHEN phase LIKE 'waiting%' AND current_locker_pid > 0 THEN ': process ' || current_locker_pid ELSE '' END,
       CASE WHEN phase LIKE 'waiting%' THEN lockers_done WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END,
       CASE WHEN phase LIKE 'waiting%' THEN lockers_total WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END,
       CASE WHEN phase LIKE 'waiting%' THEN 'sessions' WHEN blocks_total > 0 THEN 'pages' ELSE 'rows' END
FROM pg_stat_progress_create_index
UNION ALL
SELECT pid, 'rewrite', phase::text, heap_blks_scanned, heap_blks_total, 'pages' FROM pg_stat_progress_cluster;
