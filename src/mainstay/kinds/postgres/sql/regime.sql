-- How autovacuum is set up on this server.
-- columns: as in health.rows.Regime
-- versions: 13-
-- source: https://www.postgresql.org/docs/current/runtime-config-vacuum.html
SELECT current_setting('autovacuum')::boolean AS autovacuum,
       current_setting('track_counts')::boolean AS counted,
       current_setting('autovacuum_freeze_max_age')::int AS freeze_max_age,
       current_setting('autovacuum_multixact_freeze_max_age')::int AS multixact_freeze_max_age;
