-- The shop's orders, built in one go and then thinned out in 2,000 places, so that more than 40 % of the file is free pages.
-- SQLite >= 3.8.3; run on an empty file.
-- columns: id, customer, item, note, placed_at (seconds since 1970)
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL,
    item TEXT NOT NULL,
    note TEXT NOT NULL,
    placed_at INTEGER NOT NULL
);

WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 520000)
INSERT INTO orders
SELECT n, n * 7919 % 5000, 'item ' || (n % 977), hex(randomblob(48)), 1700000000 + n * 60
FROM number;

CREATE INDEX orders_by_customer ON orders (customer, id);

-- runs of 256 rows go, scattered over the whole table by a multiplicative hash of their position
DELETE FROM orders WHERE id / 256 * 2654435761 % 4294967296 < 0.55 * 4294967296;

PRAGMA locking_mode = NORMAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
