"""The page on restoring without Mainstay is true of PostgreSQL: gpg, zstd, jq, pg_restore and psql bring everything back."""

from __future__ import annotations

from pathlib import Path

from mainstay.vault.store import unhurried
from tests.kinds.postgres.conftest import Database, fresh_database
from tests.kinds.postgres.store.conftest import store_of
from tests.live.restore_page import FIRST, SECOND, back_up, restored


def test_a_database_is_restored_by_stock_tools(shop: Database, tmp_path: Path) -> None:
    store = store_of(shop)
    back_up(tmp_path, store, FIRST)
    shop.sql("UPDATE orders SET total = total + 1 WHERE id % 50 = 0")
    shop.sql('CREATE TABLE "odd ""name" ("a ""column" text, b int GENERATED ALWAYS AS (1) STORED)')
    shop.sql('INSERT INTO "odd ""name" VALUES (E\'a\\tb\\\\c\'), (NULL)')
    back_up(tmp_path, store, SECOND, FIRST)
    with fresh_database(shop.server) as again:
        for extension in again.sql("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'"):
            again.sql(f"DROP EXTENSION {extension[0]}")
        restored(tmp_path, SECOND, DSN=again.dsn)
        live, copied = (store.describe(one.name, unhurried()) for one in (shop, again))
    assert copied.counts == live.counts
    assert copied.digests == live.digests
