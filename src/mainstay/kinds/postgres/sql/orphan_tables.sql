-- Every table that rows can be moved out of, with what stands against that, and what would refuse them back.
-- columns: as in orphan_rules.Holder
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-constraint.html, https://www.postgresql.org/docs/current/catalog-pg-trigger.html
SELECT current_database()::text AS database,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.oid::bigint AS oid,
       c.relkind::text AS kind,
       has_table_privilege(c.oid, 'SELECT') AS readable,
       ARRAY(
         SELECT a.attname::text FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum
       ) AS columns,
       ARRAY(
         SELECT a.attname::text
         FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place), pg_attribute a
         WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = k.attnum ORDER BY k.place
       ) AS key,
       concat_ws('; ',
         CASE WHEN NOT (has_table_privilege(c.oid, 'DELETE') AND has_table_privilege(c.oid, 'UPDATE'))
              THEN 'this role lacks DELETE and UPDATE on it' END,
         CASE WHEN NOT coalesce(has_schema_privilege(to_regnamespace('mainstay_quarantine'), 'CREATE'),
                                has_database_privilege(current_database(), 'CREATE'))
              THEN 'this role may not create the schema mainstay_quarantine' END,
         CASE WHEN c.relkind = 'f' THEN 'it is a foreign table' END,
         CASE WHEN row_security_active(c.oid) THEN 'row level security hides rows from this role' END,
         (SELECT 'rows of ' || string_agg(DISTINCT k.conrelid::regclass::text, ', ') || ' would change with them'
          FROM pg_constraint k WHERE k.confrelid = c.oid AND k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd')),
         (SELECT 'it has triggers: ' || string_agg(t.tgname, ', ')
          FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 12 <> 0),
         (SELECT 'it has rules: ' || string_agg(w.rulename, ', ') FROM pg_rewrite w WHERE w.ev_class = c.oid)
       ) AS hindrance,
       coalesce((SELECT string_agg(k.conname, ', ') FROM pg_constraint k WHERE k.conrelid = c.oid AND NOT k.convalidated), '')
         AS refuses
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f')
  AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'mainstay_quarantine')
ORDER BY 2, 3;
