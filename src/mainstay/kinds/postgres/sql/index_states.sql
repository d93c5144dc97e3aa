-- Every index of this database with its state: valid or not, what needs it, who works on it, and which index a leftover is a copy of.
-- columns: as in indexes.Index
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-index.html, https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
WITH locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind = 'i'
), known AS (
  SELECT i.*, c.relname, c.relnamespace, c.relkind, c.relam, c.relispartition,
         i.indisvalid AND i.indisready AND i.indislive AS valid,
         l.relation IS NOT NULL AS locked, coalesce(size.size, 0) AS size,
         concat_ws(' ', c.relam, i.indisunique, i.indkey, i.indclass, i.indcollation, i.indoption,
                   pg_get_expr(i.indexprs, nullif(i.indrelid, l.relation)), '|', pg_get_expr(i.indpred, nullif(i.indrelid, l.relation))) AS shape
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  LEFT JOIN locked l ON l.relation = i.indrelid
  LEFT JOIN sized size ON size.oid = i.indexrelid
  WHERE c.relpersistence <> 't'
)
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       k.relname::text AS name,
       k.indexrelid::bigint AS oid,
       t.relname::text AS "table",
       m.amname::text AS method,
       k.relkind::text AS kind,
       pg_get_userbyid(t.relowner)::text AS owner,
       pg_has_role(t.relowner, 'USAGE') AS owned,
       k.indrelid < 16384 AS system,
       k.size,
       coalesce(pg_relation_filenode(k.indexrelid), 0)::bigint AS filenode,
       CASE WHEN k.locked THEN '' ELSE pg_get_indexdef(k.indexrelid) END AS definition,
       k.valid,
       k.indisunique AS "unique",
       k.indisexclusion AS exclusion,
       k.relispartition AS attached,
       k.indisreplident AS identity,
       coalesce((SELECT min(o.conname) FROM pg_constraint o WHERE o.conindid = k.indexrelid), '')::text AS "constraint",
       coalesce(b.relname, '')::text AS base,
       coalesce(w.who, CASE WHEN k.locked THEN 'its table is locked' END, '') AS busy,
       CASE WHEN m.amname IN ('btree', 'gist', 'brin') THEN ARRAY(SELECT DISTINCT u::bigint FROM unnest(k.indcollation) u WHERE u <> 0 ORDER BY 1) ELSE '{}' END AS collations
FROM known k
JOIN pg_class t ON t.oid = k.indrelid
JOIN pg_namespace n ON n.oid = k.relnamespace
JOIN pg_am m ON m.oid = k.relam
LEFT JOIN LATERAL (
  -- what REINDEX CONCURRENTLY leaves is named after its index, cut off where the whole would be longer than 63 bytes
  SELECT o.relname
  FROM known o, substring(k.relname FROM '^(.*)_cc(?:new|old)[0-9]*$') AS part
  WHERE NOT k.valid AND o.indexrelid <> k.indexrelid AND o.indrelid = k.indrelid AND o.shape = k.shape
    AND (o.relname = part OR (octet_length(k.relname) > 58 AND starts_with(o.relname, part)))
  LIMIT 1
) b ON true
LEFT JOIN LATERAL (
  SELECT string_agg(DISTINCT format('process %s (%s)', l.pid, coalesce(p.command, a.backend_type, 'not visible')), ', ') AS who
  FROM pg_locks l
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN pg_stat_progress_create_index p ON p.pid = l.pid
  WHERE l.relation IN (k.indexrelid, k.indrelid)
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    AND l.granted
    AND l.pid <> pg_backend_pid()
) w ON true
WHERE (k.relkind = 'i' OR NOT k.valid)
  AND n.nspname !~ '^pg_temp_|^pg_toast_temp_'
  AND (n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') OR NOT k.valid OR k.size > 16777216)
ORDER BY 2, 3;
