-- Tables and columns that nobody seems to use, tables worth splitting, and what is stored out of line or unlogged.
-- columns: as in flaws.UseFlaw
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/view-pg-stats.html, https://www.postgresql.org/docs/current/ddl-partitioning.html
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind IN ('r', 't', 'i')
), t AS (
  SELECT c.oid, c.reltuples, c.relpersistence, c.relispartition, n.nspname, c.relname,
         format('%I.%I', n.nspname, c.relname) AS quoted, size.size + coalesce(toast.size + keys.size, 0) AS size,
         size.size AS heap, coalesce(toast.size + keys.size, 0) AS toast,
         coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) AS scans, coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0) AS writes
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
  JOIN sized size ON size.oid = c.oid AND size.size IS NOT NULL  -- NULL: dropped meanwhile
  LEFT JOIN sized toast ON toast.oid = c.reltoastrelid
  LEFT JOIN pg_index ti ON ti.indrelid = toast.oid AND ti.indisvalid
  LEFT JOIN sized keys ON keys.oid = ti.indexrelid
  LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
  WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)
SELECT current_database()::text AS database, 'never used' AS rule, nspname::text AS schema, relname::text AS "table", '' AS part,
       'no scan and no write was counted' AS detail,
       NULL::float8 AS value, size, format('DROP TABLE %s  -- after a backup, when nobody knows it', quoted) AS statement
FROM t WHERE scans = 0 AND writes = 0 AND size > 0
UNION ALL
SELECT current_database(), 'unlogged', nspname, relname, '', 'emptied by a crash, missing on standbys', NULL, size,
       format('ALTER TABLE %s SET LOGGED  -- rewrites it', quoted)
FROM t WHERE relpersistence = 'u'
UNION ALL
SELECT current_database(), 'idle column', t.nspname, t.relname, string_agg(quote_ident(p.attname), ', ' ORDER BY p.attname),
       p.detail, NULL, t.size,
       format('ALTER TABLE %s ', t.quoted) || string_agg(format('DROP COLUMN %I', p.attname), ', ' ORDER BY p.attname) || '  -- when no program needs it'
FROM t
JOIN (SELECT *, CASE WHEN null_frac = 1 THEN 'NULL in every row that was sampled'
                     WHEN n_distinct = 1 AND null_frac = 0 THEN 'one value in every row that was sampled' END AS detail
      FROM pg_stats WHERE NOT inherited) p ON p.schemaname = t.nspname AND p.tablename = t.relname
WHERE t.reltuples >= 1000 AND p.detail IS NOT NULL
GROUP BY t.nspname, t.relname, t.size, t.quoted, p.detail
UNION ALL
SELECT current_database(), 'large', t.nspname, t.relname, a.attname, 'it could be partitioned by time', NULL, t.size,
       format('CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (%I)  -- then attach the old one',
              t.nspname, t.relname || '_new', t.quoted, a.attname)
FROM t
JOIN LATERAL (SELECT attname FROM pg_attribute
              WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped AND attnotnull
                AND atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype) ORDER BY attnum LIMIT 1) a ON true
WHERE NOT t.relispartition
UNION ALL
SELECT current_database(), 'out of line', t.nspname, t.relname, coalesce(w.columns, ''), 'mostly values too wide for their row', NULL, t.toast,
       coalesce(format('ALTER TABLE %s ', t.quoted) || w.acts || '  -- 14 and newer, for new values', '')
FROM t
LEFT JOIN LATERAL (SELECT string_agg(quote_ident(p.attname), ', ' ORDER BY p.avg_width DESC) AS columns,
                          string_agg(format('ALTER COLUMN %I SET COMPRESSION lz4', p.attname), ', ' ORDER BY p.avg_width DESC) AS acts
                   FROM pg_stats p
                   JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = p.attname AND a.attstorage IN ('x', 'e')
                   WHERE p.schemaname = t.nspname AND p.tablename = t.relname AND NOT p.inherited) w ON true
WHERE t.toast > t.heap
ORDER BY size DESC, schema, "table", rule, part;
