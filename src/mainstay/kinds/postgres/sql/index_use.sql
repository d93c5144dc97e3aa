-- Every index of this database outside the system's schemas: its use, what it is needed for, and which other one does its work.
-- columns: as in index_use.IndexUse
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-index.html, view pg_stat_all_indexes (last_idx_scan: 16)
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind = 'i'
), i AS (
  SELECT x.*, n.nspname, t.relname AS tablename, c.relname, c.relam, c.relispartition, con.conname, size.size, l.relation IS NOT NULL AS locked,
         pg_get_expr(x.indexprs, nullif(x.indrelid, l.relation)) AS exprs, pg_get_expr(x.indpred, nullif(x.indrelid, l.relation)) AS pred,
         coalesce(to_jsonb(x) ->> 'indnullsnotdistinct', 'false') AS nulls_equal,
         x.indkey::text || ' ' AS keys, x.indclass::text || ' ' AS classes,
         x.indcollation::text || ' ' AS collations, x.indoption::text || ' ' AS options,
         (con.conname IS NOT NULL)::int * 4 + x.indisunique::int * 2 + x.indisreplident::int AS weight
  FROM pg_index x
  JOIN pg_class c ON c.oid = x.indexrelid AND c.relkind = 'i'
  JOIN pg_class t ON t.oid = x.indrelid AND t.relpersistence <> 't'
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN sized size ON size.oid = x.indexrelid AND size.size IS NOT NULL  -- NULL: dropped meanwhile
  LEFT JOIN locked l ON l.relation = x.indrelid
  LEFT JOIN pg_constraint con ON con.conindid = x.indexrelid AND con.contype IN ('p', 'u', 'x')
  WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e')
)
SELECT current_database()::text AS database,
       i.nspname::text AS schema,
       i.tablename::text AS "table",
       i.relname::text AS name,
       i.size,
       coalesce(s.idx_scan, 0) AS scans,
       extract(epoch FROM clock_timestamp() - (to_jsonb(s) ->> 'last_idx_scan')::timestamptz)::float8 AS idle,
       i.indisvalid AS valid,
       EXISTS (SELECT FROM pg_stat_progress_create_index p
               WHERE p.index_relid = i.indexrelid AND p.datname = current_database()) AS building,
       CASE WHEN i.conname IS NOT NULL THEN 'constraint ' || i.conname
            WHEN i.indisunique THEN 'it keeps values unique'
            WHEN i.indisreplident THEN 'replica identity'
            WHEN i.relispartition THEN 'part of a partitioned index'
            WHEN f.conname IS NOT NULL THEN 'foreign key ' || f.conname
            ELSE '' END AS needed,
       coalesce(twin.relname, '')::text AS twin,
       coalesce(twin.same, false) AS same,
       format('DROP INDEX CONCURRENTLY %I.%I', i.nspname, i.relname) AS drop,
       format('REINDEX INDEX CONCURRENTLY %I.%I', i.nspname, i.relname) AS rebuild
FROM i
LEFT JOIN pg_stat_all_indexes s ON s.indexrelid = i.indexrelid
LEFT JOIN LATERAL (
  SELECT k.conname FROM pg_constraint k
  WHERE k.contype = 'f' AND k.conrelid = i.indrelid
    AND (string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)] @> k.conkey
  ORDER BY 1 LIMIT 1
) f ON true
LEFT JOIN LATERAL (
  SELECT o.relname, o.keys = i.keys AND o.indnkeyatts = i.indnkeyatts AS same FROM i o
  WHERE o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid AND o.indisvalid AND o.relam = i.relam
    AND NOT i.locked AND o.pred IS NOT DISTINCT FROM i.pred
    AND i.conname IS NULL AND NOT i.indisreplident AND NOT i.relispartition
    AND (  (o.keys = i.keys AND o.indnkeyatts = i.indnkeyatts AND o.classes = i.classes AND o.collations = i.collations
            AND o.options = i.options AND o.exprs IS NOT DISTINCT FROM i.exprs AND o.nulls_equal = i.nulls_equal
            AND (o.indisunique OR NOT i.indisunique) AND (-o.weight, o.indexrelid) < (-i.weight, i.indexrelid))
        OR (o.relam = (SELECT oid FROM pg_am WHERE amname = 'btree') AND NOT i.indisunique AND i.indexprs IS NULL
            AND i.indnatts = i.indnkeyatts AND i.indnatts < o.indnkeyatts
            AND starts_with(o.keys, i.keys) AND starts_with(o.classes, i.classes)
            AND starts_with(o.collations, i.collations) AND starts_with(o.options, i.options)))
  ORDER BY 2 DESC, o.weight DESC, o.indexrelid LIMIT 1
) twin ON true
ORDER BY size DESC, schema, name;
