CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE SCHEMA "Odd schema";
COMMENT ON SCHEMA "Odd schema" IS 'a name with a space';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b text);
CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$;
CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5) PRIMARY KEY,
  name text NOT NULL, doubled int GENERATED ALWAYS AS (length(name) * 2) STORED,
  favourite bigint, since timestamptz NOT NULL DEFAULT now(), mood mood, size positive);
CREATE TABLE orders (
  id serial PRIMARY KEY, customer bigint NOT NULL REFERENCES customers, total numeric(12, 2) CHECK (total >= 0),
  note text, tags text[], data jsonb, paid boolean DEFAULT false);
ALTER TABLE customers ADD FOREIGN KEY (favourite) REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED;
INSERT INTO customers (name, since, mood, size)
  SELECT 'customer ' || g, '2026-01-01 12:00:00.123456+02'::timestamptz + g * interval '1 hour', 'ok', g FROM generate_series(1, 300) g;
INSERT INTO orders (customer, total, note, tags, data)
  SELECT 10 + 5 * (g % 300), g * 1.25, CASE g % 3 WHEN 0 THEN E'tab\tnewline\nback\\slash \\.' WHEN 1 THEN NULL ELSE '' END,
         ARRAY['a', NULL, 'b"c', '{}'], jsonb_build_object('n', g, 'text', repeat('x', g % 50)) FROM generate_series(1, 2000) g;
UPDATE customers SET favourite = id / 5 WHERE id < 500;
SET CONSTRAINTS ALL IMMEDIATE;
CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION loud();
CREATE INDEX orders_note ON orders USING gin (note gin_trgm_ops);
CREATE UNIQUE INDEX "lower Name" ON customers (lower(name)) WHERE id > 0;
CREATE TABLE "Odd schema"."T.a""b|le*" ("sel ect" int, "x.y" text, one text, t text);
INSERT INTO "Odd schema"."T.a""b|le*" SELECT g, 'ä€𝄞' || g, 'one', 't' FROM generate_series(1, 50) g;
CREATE TABLE "Odd schema".quite_a_long_name_that_is_as_long_as_a_name_may_be_and_not_more (ünïcode text);
INSERT INTO "Odd schema".quite_a_long_name_that_is_as_long_as_a_name_may_be_and_not_more VALUES ('x'), (NULL);
CREATE TABLE numbers (f4 float4, f8 float8, n numeric, i interval, d date, ts timestamp, m money, b bytea, bits varbit, r int4range, p point, u uuid, x xml, c pair, arr int[][]);
INSERT INTO numbers VALUES
  ('NaN', 'NaN', 'NaN', '1 year -3 days 04:05:06.7', 'infinity', '-infinity', -12.34, '\x00ff5c0a', B'101', '[1,5)', '(1.1,-0)', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '<a b="c">d</a>', (1, 'x'), '{{1,2},{3,4}}'),
  (1.1, 0.1, 1e-20, '-00:00:01', '0001-01-01 BC', '2026-02-28 23:59:59.999999', 1e6::numeric::money, '', B'', 'empty', '(1e300,2)', NULL, '<!-- only -->', (NULL, ''), '{}'),
  ('-Infinity', '-0', 123456789012345678901234567890.5, NULL, '5874897-12-31', '294276-12-31', NULL, decode(repeat('ab', 5000), 'hex'), NULL, '(,)', NULL, NULL, NULL, NULL, '[0:1]={1,2}'),
  (3.4e38, 5e-324, 0.00, '178000000 years', 'epoch', 'epoch', 0, '\x', B'1', '(,5]', '(NaN,Infinity)', NULL, '', ROW(2, E'q"\\'), NULL);
CREATE TABLE big (id int PRIMARY KEY, body text);
INSERT INTO big SELECT g, (SELECT string_agg(md5(g::text || h::text), '') FROM generate_series(1, 400) h) FROM generate_series(1, 30) g;
CREATE TABLE measured (at date NOT NULL, v int, PRIMARY KEY (at, v)) PARTITION BY RANGE (at);
CREATE TABLE measured_1 PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE measured_2 PARTITION OF measured FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY HASH (v);
CREATE TABLE measured_2a PARTITION OF measured_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE measured_2b PARTITION OF measured_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE measured_rest PARTITION OF measured DEFAULT;
INSERT INTO measured SELECT '2026-01-15'::date + g % 60, g FROM generate_series(1, 500) g;
CREATE TABLE animals (id int, name text);
CREATE TABLE dogs (barks boolean, CHECK (id > 0)) INHERITS (animals);
ALTER TABLE animals ADD COLUMN legs int DEFAULT 4;
INSERT INTO animals VALUES (1, 'cat'); INSERT INTO dogs (id, name, barks) VALUES (2, 'dog', true), (3, 'hound', NULL);
CREATE TABLE secrets (owner name DEFAULT current_user, text text);
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY; ALTER TABLE secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON secrets USING (owner = current_user);
INSERT INTO secrets VALUES ('somebody', 'else''s'), ('postgres', 'mine');
CREATE UNLOGGED TABLE cache (key text PRIMARY KEY, value text); INSERT INTO cache VALUES ('a', 'b');
CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;
CREATE TABLE generated (only_this int GENERATED ALWAYS AS (1) STORED); INSERT INTO generated DEFAULT VALUES;
ALTER TABLE big ADD COLUMN gone int; ALTER TABLE big DROP COLUMN gone; ALTER TABLE big ADD COLUMN late int DEFAULT 7;
CREATE SEQUENCE "Odd schema"."s q" INCREMENT -3 MAXVALUE 100 START 50; SELECT nextval('"Odd schema"."s q"'), nextval('"Odd schema"."s q"');
CREATE SEQUENCE untouched START 77; CREATE SEQUENCE restarted; ALTER SEQUENCE restarted RESTART 500;
SELECT lo_from_bytea(424242, decode(repeat('00ff', 40000), 'hex')), lo_from_bytea(424243, ''), lo_create(424244);
SELECT lo_put(424244, 5000000, '\x01');
COMMENT ON LARGE OBJECT 424242 IS 'a picture'; GRANT SELECT ON LARGE OBJECT 424242 TO PUBLIC;
CREATE MATERIALIZED VIEW sums AS SELECT customer, sum(total) AS total FROM orders GROUP BY 1; CREATE UNIQUE INDEX ON sums (customer);
CREATE VIEW "Odd schema".v AS SELECT * FROM customers WHERE mood = 'ok' WITH CHECK OPTION;
CREATE RULE kept AS ON DELETE TO "Odd schema"."T.a""b|le*" DO INSTEAD NOTHING;
ALTER TABLE orders ADD CONSTRAINT never_checked CHECK (total < 100) NOT VALID;
ALTER TABLE orders ADD CONSTRAINT stat_note CHECK (note <> 'forbidden');
CREATE STATISTICS s1 ON customer, paid FROM orders; ALTER TABLE orders ALTER COLUMN note SET STATISTICS 500;
COMMENT ON TABLE orders IS 'what customers want'; COMMENT ON COLUMN orders.note IS E'two\nlines';
GRANT SELECT (id, total), UPDATE (note) ON orders TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
CREATE FUNCTION watched() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watched();
CREATE PUBLICATION everything FOR TABLE orders;
ALTER TABLE customers CLUSTER ON customers_pkey; ALTER TABLE orders REPLICA IDENTITY FULL; ALTER TABLE big SET (fillfactor = 70);
