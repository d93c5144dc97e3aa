-- Every foreign key, with the reason to doubt that each row obeys it ("" for none): it was never validated, or its triggers are off.
-- columns: as in orphan_rules.ForeignKey
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-constraint.html
SELECT current_database()::text AS database,
       k.conname::text AS name,
       n.nspname::text AS schema,
       c.relname::text AS child,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u(attnum, place), pg_attribute a
             WHERE a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY u.place) AS columns,
       pn.nspname::text AS parent_schema,
       p.relname::text AS parent,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u(attnum, place), pg_attribute a
             WHERE a.attrelid = k.confrelid AND a.attnum = u.attnum ORDER BY u.place) AS parent_columns,
       CASE WHEN NOT k.convalidated THEN 'never validated'
            WHEN EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgenabled = 'D') THEN 'its triggers are disabled'
            ELSE '' END AS doubt
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid
JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f'
  AND k.conparentid = 0
  AND NOT EXISTS (SELECT FROM pg_operator o WHERE o.oid = ANY (k.conpfeqop) AND o.oprname <> '=')
ORDER BY 3, 4, 2;
