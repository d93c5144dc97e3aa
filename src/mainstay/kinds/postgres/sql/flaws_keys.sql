-- Tables without a key, and rules that are not kept: keys of unlike types, constraints nobody has checked, triggers that are off.
-- columns: as in flaws.KeyFlaw
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/catalog-pg-constraint.html (conenforced: 18)
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
), t AS (
  SELECT c.oid, c.relispartition, n.nspname, c.relname, format('ALTER TABLE %I.%I ', n.nspname, c.relname) AS alter,
         whole.size, c.oid IN (SELECT relation FROM locked) AS locked
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN whole ON whole.oid = c.oid
  WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)
SELECT current_database()::text AS database, 'no key' AS rule,
       t.nspname::text AS schema, t.relname::text AS "table", '' AS part,
       'no primary key, nor unique columns without NULL' AS detail, NULL::float8 AS value, t.size AS size,
       t.alter || 'ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY'
               || '  -- rewrites it, unless columns of it can be the key' AS statement
FROM t
WHERE NOT t.relispartition
  AND NOT EXISTS (
    SELECT FROM pg_index x WHERE x.indrelid = t.oid AND x.indisunique AND x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = ANY (x.indkey) AND NOT a.attnotnull))
UNION ALL
SELECT current_database(), 'key types differ', t.nspname, t.relname, k.conname,
       string_agg(format('%I is %s, %I of %s is %s', a.attname, format_type(a.atttypid, NULL),
                         b.attname, k.confrelid::regclass, format_type(b.atttypid, NULL)), '; '),
       NULL, t.size,
       t.alter || string_agg(format('ALTER COLUMN %I TYPE %s', a.attname, format_type(b.atttypid, b.atttypmod)), ', ')
               || '  -- rewrites it'
FROM pg_constraint k
JOIN t ON t.oid = k.conrelid
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS u(own, other)
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.own
JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.other
WHERE k.contype = 'f' AND k.conparentid = 0 AND a.atttypid <> b.atttypid
GROUP BY k.oid, k.conname, t.nspname, t.relname, t.size, t.alter
UNION ALL
SELECT current_database(), 'not validated', t.nspname, t.relname, k.conname,
       CASE WHEN t.locked THEN 'its table is locked now' ELSE pg_get_constraintdef(k.oid) END, NULL, t.size,
       t.alter || format('VALIDATE CONSTRAINT %I', k.conname)
FROM pg_constraint k
JOIN t ON t.oid = k.conrelid
WHERE NOT k.convalidated AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
UNION ALL
SELECT current_database(), 'trigger off', t.nspname, t.relname, g.tgname,
       CASE WHEN t.locked THEN 'its table is locked now' ELSE pg_get_triggerdef(g.oid) END, NULL, t.size,
       t.alter || format('ENABLE TRIGGER %I', g.tgname)
FROM pg_trigger g
JOIN t ON t.oid = g.tgrelid
WHERE g.tgenabled = 'D' AND NOT g.tgisinternal
UNION ALL
SELECT DISTINCT current_database(), 'trigger off', t.nspname, t.relname, k.conname,
       'not kept: the triggers of this constraint are off', NULL::float8, t.size, t.alter || 'ENABLE TRIGGER ALL'
FROM pg_trigger g
JOIN t ON t.oid = g.tgrelid
JOIN pg_constraint k ON k.oid = g.tgconstraint
WHERE g.tgenabled = 'D' AND g.tgisinternal
ORDER BY size DESC, schema, "table", part;
