-- The tables that hold rows which were moved out of the way, with what was noted of them when they were made.
-- columns: as in orphan_rules.Kept
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/functions-info.html, obj_description
SELECT current_database()::text AS database,
       c.relname::text AS name,
       k.note ->> 'rule' AS rule,
       k.note ->> 'table' AS origin,
       extract(epoch FROM clock_timestamp())::float8 - (k.note ->> 'at')::float8 AS age,
       pg_total_relation_size(c.oid) AS size
FROM pg_class c
CROSS JOIN LATERAL (SELECT substring(obj_description(c.oid, 'pg_class') FROM '^mainstay (\{.*\})$')::jsonb AS note) k
WHERE c.relnamespace = to_regnamespace('mainstay_quarantine')
  AND c.relkind = 'r'
  AND k.note IS NOT NULL
ORDER BY 2;
