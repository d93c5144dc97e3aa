-- Every table and materialised view of this database as the catalog and the planner's statistics know it: enough to foresee its size.
-- columns: as in shape.TableShape; the arrays have one element for each column that is still there
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/storage-page-layout.html, view pg_stats
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind IN ('r', 'm', 't', 'i')
)
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.oid::bigint AS oid,
       pg_has_role(c.relowner, 'USAGE') AS owned,
       size.size AS heap,
       c.reltoastrelid::bigint AS toast_oid,
       coalesce(toast.size, 0) AS toast,
       coalesce(keys.size, 0) AS toast_index,
       CASE WHEN size.size = 0 THEN 0
            WHEN c.reltuples < 0 OR c.relpages = 0 THEN -1
            ELSE c.reltuples * greatest(1, size.size / current_setting('block_size')::float8 / c.relpages) END::float8 AS rows,
       coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 100) AS fillfactor,
       c.relnatts::int AS attributes,
       coalesce(columns.altered, false) AS altered,
       coalesce(columns.lengths, '{}') AS lengths,
       coalesce(columns.aligns, '{}') AS aligns,
       coalesce(columns.widths, '{}') AS widths,
       coalesce(columns.nulls, '{}') AS nulls
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_am am ON am.oid = c.relam AND am.amname = 'heap'
JOIN sized size ON size.oid = c.oid
LEFT JOIN sized toast ON toast.oid = c.reltoastrelid
LEFT JOIN pg_index ti ON ti.indrelid = toast.oid AND ti.indisvalid
LEFT JOIN sized keys ON keys.oid = ti.indexrelid
LEFT JOIN (
  SELECT a.attrelid,
         bool_or(a.attisdropped OR a.atthasmissing) AS altered,
         array_agg(a.attlen::int ORDER BY a.attnum) FILTER (WHERE NOT a.attisdropped) AS lengths,
         array_agg(CASE a.attalign WHEN 'd' THEN 8 WHEN 'i' THEN 4 WHEN 's' THEN 2 ELSE 1 END ORDER BY a.attnum) FILTER (WHERE NOT a.attisdropped) AS aligns,
         array_agg(CASE WHEN a.attlen > 0 THEN a.attlen ELSE p.avg_width END::float8 ORDER BY a.attnum) FILTER (WHERE NOT a.attisdropped) AS widths,
         array_agg(CASE WHEN a.attgenerated = 'v' THEN 1 WHEN a.attnotnull THEN 0 ELSE p.null_frac END::float8 ORDER BY a.attnum)
           FILTER (WHERE NOT a.attisdropped) AS nulls
  FROM pg_attribute a
  JOIN pg_class ac ON ac.oid = a.attrelid AND ac.relkind IN ('r', 'm')
  LEFT JOIN pg_stats p ON p.schemaname = (SELECT an.nspname FROM pg_namespace an WHERE an.oid = ac.relnamespace) AND p.tablename = ac.relname AND p.attname = a.attname AND NOT p.inherited
  WHERE a.attnum > 0
  GROUP BY 1
) columns ON columns.attrelid = c.oid
WHERE c.relkind IN ('r', 'm')
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_toast', 'information_schema')
  AND n.nspname !~ '^pg_temp_|^pg_toast_temp_'
  AND size.size IS NOT NULL  -- NULL: dropped meanwhile
  AND (n.nspname <> 'pg_catalog' OR size.size > 16777216)
ORDER BY 2, 3;
