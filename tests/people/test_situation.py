"""Everything that is red, changed or waiting, in one command; and the runbook that is owed after an emergency or a drill."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.built(tmp_path / "shop")
    file = made.folder / "mainstay.yaml"
    text = file.read_text().replace("routines:", "  api: {kind: http, url: 'http://127.0.0.1:9/'}\nroutines:", 1)
    way = "smtp: {host: 127.0.0.1, port: 1, tls: none, sender: shop@example.org, to: [ops@example.org]}"
    file.write_text(f"{text}notify:\n  mail: {{{way}, confirm: 24h}}\nemergencies: {{notice_within: 1s}}\n")
    return made


def titles(shown: str) -> list[str]:
    wanted = ("Not in order", "Emergencies", "Waiting for somebody", "In force", "Runs", "Other changes", "Notices in trouble")
    return [line.strip() for line in shown.splitlines() if line.strip() in wanted]


@pytest.mark.covers("EMG-02")
def test_one_command_shows_what_is_red_what_was_changed_and_what_waits(shop: Shop) -> None:
    shop.run("mode", "on", "mark", "--for", "5m", "--reason", "a look")
    shop.run("run", "launch")
    shop.run("emergency", "open", "--severity", "S2", "--reason", "orders fail")
    shop.run("blackout", "add", "feast", "--for", "2h", "--reason", "we celebrate", "--name", "ann")
    file = shop.folder / "mainstay.yaml"
    file.write_text(file.read_text().replace("corner-shop", "corner-store"))
    shop.run("run", "logs.rotate")
    shop.run("notify", "send", code=4)
    found = shop.json("emergency", "check", code=2)
    assert {one["on"].partition(":")[0] for one in found["red"]} >= {"api"}
    assert [one["reason"] for one in found["emergencies"]] == ["orders fail"]
    assert [one["routine"] for one in found["waiting"]] == ["mark.hold", "launch"]
    assert found["modes"] == ["mark.hold"]
    changed = {task for one in found["runs"] for task in one["changed"]}
    assert changed >= {"mark.hold", "logs.rotate"}
    what = [one["what"] for one in found["changes"]]
    assert any(one.startswith("configuration ") and "instead of" in one for one in what)
    assert "mainstay.yaml was written" in what
    assert ("blackout added: feast", "ann") in {(one["what"], one["by"]) for one in found["changes"]}
    assert {(one["to"], one["state"]) for one in found["notices"]} == {("mail to ops@example.org", "owed")}
    shown = shop.run("emergency", "check", code=2)
    assert titles(shown) == [
        *("Not in order", "Emergencies", "Waiting for somebody", "In force", "Runs", "Other changes", "Notices in trouble"),
    ]


@pytest.mark.covers("EMG-02")
def test_where_all_is_well_it_says_so_and_ends_with_0(tmp_path: Path) -> None:
    shop = Shop.built(tmp_path / "shop")
    file = shop.folder / "mainstay.yaml"
    text = file.read_text()
    kept = [line for line in text.splitlines() if not line.strip().startswith(("safe:", "logs:", "daily:"))]
    file.write_text("\n".join(kept) + "\n")
    shop.run("run", "db.optimize")
    shown = shop.run("emergency", "check", "--since", "1d")
    assert "in order" in shown
    assert titles(shown)[0] == "Not in order"
    assert "Every look is in order." in shown


def left(shop: Shop) -> list[tuple[str, int, str]]:
    return [(one["id"], one["number"], one["text"]) for one in shop.json("status")["left"]]


@pytest.mark.covers("EMG-07")
def test_closing_an_emergency_owes_the_runbook_with_its_version_until_it_is_signed(shop: Shop) -> None:
    shop.run("emergency", "open", "--severity", "S2", "--reason", "orders fail")
    shop.run("emergency", "close", "last", "--resolution", "mended", "--follow-up", "alert earlier")
    id = shop.json("emergency", "show")["emergency"]["id"]
    owed = (id, 2, "update the runbook with what this emergency has taught")
    assert left(shop) == [(id, 1, "alert earlier"), owed]
    assert "update the runbook" in shop.run("status")
    refused = shop.run("emergency", "done", id, "2", code=3)
    assert "the configuration is still" in refused
    shop.run("emergency", "done", id, "1")
    file = shop.folder / "mainstay.yaml"
    then = shop.json("emergency", "list")["left"][0]["configuration"]
    file.write_text(f"{file.read_text()}# after {id}: the index is rebuilt first\n")
    assert left(shop) == [owed]
    shop.run("emergency", "done", id, "2", "--name", "ann")
    assert left(shop) == []
    signed = shop.json("emergency", "show")["emergency"]["follow_ups"][1]
    assert (signed["by"], signed["configuration"]) == ("ann", then)
    assert signed["done_under"] not in ("", then)
    assert f"configuration {then}, signed under {signed['done_under']}" in shop.run(
        "emergency", "report", id, "--format", "markdown"
    )


@pytest.mark.covers("EMG-07")
def test_a_drill_owes_the_runbook_too(shop: Shop) -> None:
    shop.run("run", "safe.backup", "--yes")
    shop.run("backup", "drill")
    run = shop.last()["id"]
    assert left(shop) == [(run, 1, "update the runbook with what this drill has taught")]
    assert run in shop.run("emergency", "list")
    assert "the configuration is still" in shop.run("emergency", "done", run, "1", code=3)
    shop.run("emergency", "done", run, "1", "--remark", "nothing new: page 4 was right")
    assert left(shop) == []
