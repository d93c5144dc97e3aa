-- What this database holds that a newer major version does not take over as it is, by topic; which version minds is upgrade_rules.TOPICS.
-- columns: as in upgrade_rules.Obstacle
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/pgupgrade.html, and the checks of pg_upgrade itself (src/bin/pg_upgrade/check.c)
WITH RECURSIVE wanted(topic, type) AS (
  SELECT CASE WHEN t.typname = 'aclitem' THEN 'aclitem' ELSE 'reg' END, t.oid
  FROM pg_type t
  WHERE t.typnamespace = 'pg_catalog'::regnamespace
    AND t.typname IN ('aclitem', 'regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper', 'regoperator', 'regproc',
                      'regprocedure')
  UNION ALL
  SELECT 'system rows', t.oid
  FROM pg_type t
  WHERE t.typtype = 'c' AND (t.oid < 16384 OR t.typnamespace = 'information_schema'::regnamespace)
), holding(topic, type) AS (
  SELECT topic, type FROM wanted
  UNION
  SELECT h.topic, x.oid
  FROM holding h
  CROSS JOIN LATERAL (
    SELECT t.oid FROM pg_type t WHERE t.typtype = 'd' AND t.typbasetype = h.type
    UNION ALL SELECT t.oid FROM pg_type t WHERE t.typtype = 'b' AND t.typelem = h.type
    UNION ALL SELECT t.oid FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
              WHERE t.typtype = 'c' AND a.atttypid = h.type AND NOT a.attisdropped AND t.oid >= 16384
    UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngsubtype = h.type
  ) x
), found(topic, object) AS (
  SELECT DISTINCT h.topic, format('%I.%I.%I', n.nspname, c.relname, a.attname)
  FROM holding h
  JOIN pg_attribute a ON a.atttypid = h.type AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'm', 'i')
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid >= 16384 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  UNION ALL
  SELECT 'postfix operator', o.oid::regoperator::text FROM pg_operator o WHERE o.oprright = 0 AND o.oid >= 16384
  UNION ALL
  SELECT 'array function', p.proname || ' of ' || o.kind || ' ' || o.name
  FROM (
    SELECT 'aggregate' AS kind, a.aggfnoid::oid AS oid, a.aggfnoid::text AS name, f.function
    FROM pg_aggregate a CROSS JOIN LATERAL (VALUES (a.aggtransfn::oid), (a.aggfinalfn::oid)) f(function)
    UNION ALL
    SELECT 'operator', o.oid, o.oid::regoperator::text, o.oprcode::oid FROM pg_operator o
  ) o
  JOIN pg_proc p ON p.oid = o.function
  WHERE o.oid >= 16384 AND p.oid < 16384
    AND p.proname IN ('array_append', 'array_prepend', 'array_cat', 'array_remove', 'array_replace', 'array_position', 'array_positions',
                      'width_bucket')
    AND 'anyarray'::regtype = ANY (p.proargtypes)
  UNION ALL
  SELECT 'encoding conversion', format('%I.%I', n.nspname, v.conname)
  FROM pg_conversion v JOIN pg_namespace n ON n.oid = v.connamespace WHERE v.oid >= 16384
  UNION ALL
  SELECT 'nullable in a child', format('%I.%I.%I', n.nspname, c.relname, k.attname)
  FROM pg_inherits i
  JOIN pg_attribute a ON a.attrelid = i.inhparent AND a.attnum > 0 AND a.attnotnull
  JOIN pg_attribute k ON k.attrelid = i.inhrelid AND k.attname = a.attname AND NOT k.attnotnull
  JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind IN ('r', 'p', 'f')
  JOIN pg_namespace n ON n.oid = c.relnamespace
  UNION ALL
  SELECT 'library', p.probin FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE l.lanname = 'c' AND p.oid >= 16384 GROUP BY 2
  UNION ALL
  SELECT 'extension behind', format('%s %s, %s is here', e.extname, e.extversion, v.default_version)
  FROM pg_extension e JOIN pg_available_extensions v ON v.name = e.extname WHERE v.default_version <> e.extversion
  UNION ALL
  SELECT 'subscription', s.subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
  WHERE d.datname = current_database()
)
SELECT current_database()::text AS database, topic, min(object) AS object, count(*) AS count
FROM found
GROUP BY topic
ORDER BY topic;
