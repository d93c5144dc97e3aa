-- Foreign keys without an index on the side that refers: each delete or change of a key there reads the whole table.
-- columns: as in index_use.UnindexedKey
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
WITH RECURSIVE locked AS (  -- opening these would wait; a prepared transaction has no pid
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
), sized AS (
  SELECT r.oid, CASE WHEN l.relation IS NULL THEN pg_relation_size(r.oid) ELSE r.relpages * current_setting('block_size')::bigint END AS size
  FROM pg_class r LEFT JOIN locked l ON l.relation = r.oid
  WHERE r.relkind = 'r'
), parts AS (  -- each table with its partitions: pg_partition_tree would wait for a locked one
  SELECT oid AS top, oid AS part FROM pg_class WHERE relkind IN ('r', 'm', 'p')
  UNION ALL
  SELECT p.top, i.inhrelid FROM parts p JOIN pg_inherits i ON i.inhparent = p.part JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition
), whole AS (
  SELECT p.top AS oid, coalesce(sum(s.size), 0)::bigint AS size FROM parts p LEFT JOIN sized s ON s.oid = p.part GROUP BY 1
)
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS "table",
       k.conname::text AS name,
       cols.list AS columns,
       k.confrelid::regclass::text AS refers_to,
       whole.size,
       CASE c.relkind WHEN 'p' THEN format('CREATE INDEX ON %I.%I (%s)', n.nspname, c.relname, cols.list)
                      ELSE format('CREATE INDEX CONCURRENTLY ON %I.%I (%s)', n.nspname, c.relname, cols.list) END AS statement,
       c.relkind = 'p' AS partitioned
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN whole ON whole.oid = c.oid
LEFT JOIN locked l ON l.relation = c.oid
CROSS JOIN LATERAL (
  SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place) AS list, format('(%I IS NOT NULL)', min(a.attname)) AS not_null
  FROM unnest(k.conkey) WITH ORDINALITY AS u(number, place)
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number
) cols
WHERE k.contype = 'f' AND k.conparentid = 0
  AND NOT EXISTS (
    SELECT FROM pg_index x JOIN pg_class xc ON xc.oid = x.indexrelid JOIN pg_am m ON m.oid = xc.relam
    WHERE x.indrelid = k.conrelid AND x.indisvalid AND m.amname IN ('btree', 'hash')
      AND (string_to_array(x.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)] @> k.conkey
      AND (x.indpred IS NULL OR (cardinality(k.conkey) = 1 AND coalesce(pg_get_expr(x.indpred, nullif(x.indrelid, l.relation)) = cols.not_null, true))))
ORDER BY size DESC, schema, "table", name;
