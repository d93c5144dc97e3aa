"""What an earlier version remembered in another form is no reason to fail."""

from __future__ import annotations

import sqlite3

from tests.engine.shop import Shop


def test_facts_of_an_earlier_version_are_as_good_as_none(shop: Shop) -> None:
    shop.change("door")
    app = shop.open()
    app.check(["door"])
    with sqlite3.connect(app.site.state / "samples.db") as samples:
        samples.execute("""UPDATE facts SET body = '{"facts": {"at": 7, "gone": 1}, "findings": []}'""")
        assert samples.total_changes
    assert app.check(["door"])[0].because == ""
