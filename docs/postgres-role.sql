-- The least-privilege role of Mainstay on a PostgreSQL server of version 13 to 18. A superuser runs it once in each database:
--   psql -v role=mainstay -v owner=app_owner -d DATABASE -f postgres-role.sql
-- role   the role that `dsn` names; it is made without a password when it is not there
-- owner  the role that owns the tables; needed for what changes tables (vacuum, analyze, reindex, compact, orphans),
--        from version 17 on only for compact, orphans and dropping indexes; leave it out for a role that only looks
-- tune   `-v tune=on` lets `tune` change settings (version 15 and newer)
-- rehearse  `-v rehearse=on` lets `upgrade_rehearsal` make a base backup
-- archive  `-v archive=on` lets `wal receive` and `base_backup` read the write-ahead log and the files of the cluster
-- On a managed service its administrator runs it; lines that the service refuses say so and are left out, and `check` names
-- what cannot be seen without them.
\set ON_ERROR_STOP off
\if :{?role}
\else
  \set role mainstay
\endif
SELECT current_setting('server_version_num')::int >= 140000 AS since_14,
       current_setting('server_version_num')::int >= 150000 AS since_15,
       current_setting('server_version_num')::int >= 170000 AS since_17 \gset

SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec

-- check, activity, performance, statements, sizes, bloat: sessions, statistics, settings and replication of everybody
GRANT pg_monitor TO :"role";
-- cancel: ends statements of other roles, never those of superusers
GRANT pg_signal_backend TO :"role";
-- every task: the database itself
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role') \gexec

-- check, counts, orphans, upgrade_check: rows, and the last values of sequences
\if :since_14
  GRANT pg_read_all_data TO :"role";
\endif

-- vacuum, analyze, reindex of every table
\if :since_17
  GRANT pg_maintain TO :"role";
\endif

-- vacuum, analyze and reindex before version 17; compact, orphans and dropping indexes on any: what only an owner may do
\if :{?owner}
  GRANT :"owner" TO :"role";
\endif

-- amcheck: its functions are closed to everybody but superusers
SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', p.oid::regprocedure, :'role')
FROM pg_proc p
JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
WHERE e.extname = 'amcheck' \gexec

-- check: the archiver's queue; tune: where a setting comes from
GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO :"role";
GRANT SELECT ON pg_file_settings TO :"role";

-- tune: settings, and the reload that brings them into force
\if :{?tune}
  \if :since_15
    SELECT format('GRANT ALTER SYSTEM ON PARAMETER %I TO %I', name, :'role')
    FROM pg_settings
    WHERE name IN ('shared_buffers', 'effective_cache_size', 'maintenance_work_mem', 'work_mem', 'random_page_cost',
                   'effective_io_concurrency', 'max_wal_size', 'min_wal_size', 'checkpoint_completion_target',
                   'default_statistics_target', 'wal_buffers') \gexec
    GRANT EXECUTE ON FUNCTION pg_reload_conf() TO :"role";
  \endif
\endif

-- upgrade_rehearsal: a base backup
\if :{?rehearse}
  ALTER ROLE :"role" REPLICATION;
\endif

-- wal receive, base_backup: the slot, the log, and a copy of the files
\if :{?archive}
  ALTER ROLE :"role" REPLICATION;
\endif
