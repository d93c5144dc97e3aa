-- Whether this role may measure how full relations are, and what is lacking if not.
-- columns: as in shape.Measurable
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/pgstattuple.html
SELECT CASE WHEN heap IS NULL OR btree IS NULL THEN 'extension pgstattuple: CREATE EXTENSION pgstattuple'
            WHEN NOT (has_function_privilege(heap, 'EXECUTE') AND has_function_privilege(btree, 'EXECUTE'))
              THEN 'right to run pgstattuple_approx and pgstatindex: GRANT pg_stat_scan_tables TO ' || quote_ident(current_user)
            ELSE '' END AS lacking
FROM (SELECT to_regprocedure('pgstattuple_approx(regclass)')::oid AS heap, to_regprocedure('pgstatindex(regclass)')::oid AS btree) f;
