-- How the cluster was made, what of it a new one has to match, and what stands in the way of an upgrade beyond single databases.
-- columns: as in upgrade_rules.Cluster
-- versions: 13-14
-- source: https://www.postgresql.org/docs/current/pgupgrade.html
SELECT (SELECT r.rolname::text FROM pg_roles r WHERE r.oid = 10) AS installer,
       pg_encoding_to_char(d.encoding)::text AS encoding,
       d.datcollate::text AS collate,
       d.datctype::text AS ctype,
       'c' AS provider,
       '' AS locale,
       (SELECT s.setting::bigint FROM pg_settings s WHERE s.name = 'wal_segment_size') AS segment,
       coalesce((SELECT s.setting FROM pg_settings s WHERE s.name = 'data_directory'), '') AS folder,
       (SELECT s.setting::int FROM pg_settings s WHERE s.name = 'port') AS port,
       (SELECT count(*) FROM pg_prepared_xacts) AS prepared,
       ARRAY(SELECT b.datname::text FROM pg_database b WHERE NOT b.datallowconn AND b.datname <> 'template0' ORDER BY 1) AS closed,
       ARRAY(SELECT s.slot_name::text FROM pg_replication_slots s WHERE s.slot_type = 'logical' AND NOT s.temporary ORDER BY 1) AS logical,
       ARRAY(SELECT s.slot_name::text FROM pg_replication_slots s WHERE s.slot_type = 'physical' AND NOT s.temporary ORDER BY 1) AS physical,
       ARRAY(SELECT t.spcname::text FROM pg_tablespace t, pg_settings s
             WHERE s.name = 'data_directory' AND pg_tablespace_location(t.oid) LIKE s.setting || '/%' ORDER BY 1) AS inside,
       ARRAY(SELECT pg_tablespace_location(t.oid) FROM pg_tablespace t WHERE pg_tablespace_location(t.oid) <> '' ORDER BY 1) AS spaces,
       coalesce((SELECT s.setting FROM pg_settings s WHERE s.name = 'shared_preload_libraries'), '') AS preloaded,
       (SELECT sum(CASE WHEN has_database_privilege(b.oid, 'CONNECT') THEN pg_database_size(b.oid) END)::bigint FROM pg_database b) AS size,
       ARRAY(SELECT s.name FROM pg_settings s WHERE s.source NOT IN ('default', 'override', 'client', 'session') ORDER BY 1) AS set,
       CASE WHEN has_table_privilege('pg_authid', 'SELECT')
            THEN substring(query_to_xml('SELECT count(*) AS n FROM pg_authid WHERE rolpassword LIKE ''md5%''', false, false, '')::text
                           FROM '<n>(\d+)</n>')::int END AS md5
FROM pg_database d
WHERE d.datname = 'template0';
