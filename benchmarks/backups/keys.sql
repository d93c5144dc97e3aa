-- What comes after the rows.
SELECT setval(pg_get_serial_sequence(name, 'id'), 10000000) FROM unnest(ARRAY['orders', 'events', 'docs']) AS name;
CREATE INDEX ON orders (customer);
CREATE INDEX ON orders (at);
CREATE INDEX ON events (at);
CREATE INDEX ON events ((data->>'user'));
CREATE INDEX ON docs USING gin (title gin_trgm_ops);
REFRESH MATERIALIZED VIEW sales;
VACUUM (ANALYZE);
CHECKPOINT;
