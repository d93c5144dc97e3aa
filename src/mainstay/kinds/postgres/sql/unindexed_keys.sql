-- Foreign keys without an index on the side that refers: each delete or change of a key there reads the whole table.
-- columns: as in index_use.UnindexedKey
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS "table",
       k.conname::text AS name,
       cols.list AS columns,
       k.confrelid::regclass::text AS refers_to,
       (SELECT coalesce(sum(pg_relation_size(leaf.oid)), 0) FROM (
          SELECT p.relid FROM pg_partition_tree(c.oid) p WHERE p.isleaf UNION SELECT c.oid WHERE c.relkind = 'r') leaf(oid))::bigint AS size,
       CASE c.relkind WHEN 'p' THEN format('CREATE INDEX ON %I.%I (%s)', n.nspname, c.relname, cols.list)
                      ELSE format('CREATE INDEX CONCURRENTLY ON %I.%I (%s)', n.nspname, c.relname, cols.list) END AS statement,
       c.relkind = 'p' AS partitioned
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
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
      AND (x.indpred IS NULL OR (cardinality(k.conkey) = 1 AND pg_get_expr(x.indpred, x.indrelid) = cols.not_null)))
ORDER BY size DESC, schema, "table", name;
