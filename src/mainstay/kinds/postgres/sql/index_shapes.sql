-- Every index of those tables: its size, and what the statistics say of the columns and expressions in it.
-- columns: as in shape.IndexShape; the arrays have one element for each column of the index
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/btree.html (deduplication), view pg_stats
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind IN ('r', 'm', 'i')
)
SELECT i.indrelid::bigint AS table_oid,
       n.nspname::text AS schema,
       x.relname::text AS name,
       x.oid::bigint AS oid,
       am.amname::text AS method,
       size.size,
       i.indisvalid AS valid,
       i.indpred IS NOT NULL AS partial,
       x.reltuples::float8 AS rows,
       coalesce((o.set ->> 'fillfactor')::int, 90) AS fillfactor,
       am.amname = 'btree' AND NOT i.indisunique AND i.indnatts = i.indnkeyatts AND columns.equal
         AND coalesce((o.set ->> 'deduplicate_items')::boolean, true) AS deduplicated,
       columns.lengths,
       columns.aligns,
       columns.widths,
       columns.nulls,
       columns.distincts
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid AND x.relkind = 'i'
JOIN pg_am am ON am.oid = x.relam
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN sized size ON size.oid = x.oid
JOIN sized heap ON heap.oid = c.oid
CROSS JOIN LATERAL (SELECT coalesce(jsonb_object_agg(option_name, option_value), '{}') AS set FROM pg_options_to_table(x.reloptions)) o
JOIN (
  SELECT a.attrelid,
         bool_and(image.amproc IS NOT NULL AND coalesce(l.collisdeterministic, true)) AS equal,
         array_agg(a.attlen::int ORDER BY a.attnum) AS lengths,
         array_agg(CASE a.attalign WHEN 'd' THEN 8 WHEN 'i' THEN 4 WHEN 's' THEN 2 ELSE 1 END ORDER BY a.attnum) AS aligns,
         array_agg(CASE WHEN a.attlen > 0 THEN a.attlen ELSE p.avg_width END::float8 ORDER BY a.attnum) AS widths,
         array_agg(CASE WHEN t.attnotnull THEN 0 ELSE p.null_frac END::float8 ORDER BY a.attnum) AS nulls,
         array_agg(p.n_distinct::float8 ORDER BY a.attnum) AS distincts
  FROM pg_index k
  JOIN pg_attribute a ON a.attrelid = k.indexrelid AND a.attnum > 0
  JOIN pg_class kx ON kx.oid = k.indexrelid
  JOIN pg_class kc ON kc.oid = k.indrelid
  LEFT JOIN pg_attribute t ON t.attrelid = k.indrelid AND t.attnum = k.indkey[a.attnum - 1] AND t.attnum <> 0
  LEFT JOIN pg_opclass opc ON opc.oid = k.indclass[a.attnum - 1] AND a.attnum <= k.indnkeyatts
  LEFT JOIN pg_amproc image ON image.amprocfamily = opc.opcfamily AND image.amproclefttype = opc.opcintype
    AND image.amprocrighttype = opc.opcintype AND image.amprocnum = 4
  LEFT JOIN pg_collation l ON l.oid = k.indcollation[a.attnum - 1] AND a.attnum <= k.indnkeyatts
  LEFT JOIN pg_stats p ON p.schemaname = (SELECT kn.nspname FROM pg_namespace kn WHERE kn.oid = kc.relnamespace)
    AND p.tablename = CASE WHEN t.attnum IS NULL THEN kx.relname ELSE kc.relname END
    AND p.attname = coalesce(t.attname, a.attname) AND NOT p.inherited
  GROUP BY 1
) columns ON columns.attrelid = x.oid
WHERE c.relkind IN ('r', 'm')
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_toast', 'information_schema')
  AND n.nspname !~ '^pg_temp_|^pg_toast_temp_'
  AND size.size IS NOT NULL  -- NULL: dropped meanwhile
  AND (n.nspname <> 'pg_catalog' OR heap.size > 16777216)
ORDER BY 2, 3;
