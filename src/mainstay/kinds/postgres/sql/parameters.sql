-- The settings that `tune` may change: what is in force, where it comes from, and its bounds.
-- columns: as in parameters.Parameter
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/view-pg-settings.html
SELECT s.name::text AS name,
       s.setting::float8 AS number,
       coalesce(s.unit, '') AS unit,
       s.context::text AS context,
       s.source::text AS source,
       coalesce(s.sourcefile, '') AS file,
       coalesce(s.sourceline, 0) AS line,
       s.boot_val::float8 AS built_in,
       s.min_val::float8 AS least,
       s.max_val::float8 AS most,
       s.pending_restart AS pending
FROM pg_settings s
WHERE s.name IN ('shared_buffers', 'effective_cache_size', 'maintenance_work_mem', 'work_mem', 'checkpoint_completion_target',
                 'wal_buffers', 'default_statistics_target', 'random_page_cost', 'effective_io_concurrency',
                 'min_wal_size', 'max_wal_size')
ORDER BY s.context = 'postmaster', s.name;
