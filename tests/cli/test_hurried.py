"""What somebody in a hurry meets: a headline that must not comfort, slips of the keyboard, a folder that is closed, a full disk."""

from __future__ import annotations

from tests.cli.shop import Shop


def test_the_headline_of_status_is_the_worst_of_everything_and_not_of_targets_alone(shop: Shop) -> None:
    configuration = shop.folder / "mainstay.yaml"
    configuration.write_text(
        f"site: corner-shop\ntimezone: Europe/Berlin\nstate: {shop.folder}/state\n"
        f"targets:\n  db: {{kind: sqlite, path: {shop.folder}/shop.db}}\n"
        "  bad: {kind: command, argv: [/bin/false], neutral: true}\nroutines:\n  bad: {tasks: [bad.run]}\n"
    )
    shop.run("check")
    assert shop.run("status").startswith("corner-shop  OK\n2 ok\n")
    shop.run("run", "bad", "--yes", code=1)
    assert shop.run("status").startswith("corner-shop  NEEDS YOU\n2 ok\n")
    shop.run("emergency", "open", "--severity", "S1", "--reason", "the shop is down")
    assert shop.run("status").startswith("corner-shop  EMERGENCY\n1 emergency, 2 ok\n")
