-- The tables of applications whose rows can be counted, largest first; a partitioned table counts as one.
-- columns: as in counts.Countable
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-class.html
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS name,
       has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AS readable,
       CASE WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(pg_relation_size(t.relid)), 0) FROM pg_partition_tree(c.oid) t WHERE t.isleaf)
            ELSE pg_relation_size(c.oid) END::bigint AS size
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY 5 DESC, 2, 3;
