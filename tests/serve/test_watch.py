"""The watch period under a real service: it goes on after kill -9, and tells people when a run turns out worse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.serve.served import Site, until
from tests.servers import Handler
from tests.servers import Site as Server


def in_watch(site: Site, watch: str) -> None:
    """A change that a person could take back, whose result is looked at every second."""
    undo = site.script("echo undone >> $E")
    site.command("deploy", "echo deployed >> $E", neutral=False, undo=undo)
    site.settings["targets"]["till"] = {"kind": "command", "argv": ["/bin/true"], "after": site.script("! test -e $E.broken")}
    hourly = {"rule": "every 60m", "length": "60m"}
    site.routine("night", "deploy.run", window=hourly, watch=watch, watch_every="1s", checks=["till.check"])


def record(site: Site) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(site.call("report", "last", "--format", "json"))
    return shown


@pytest.mark.slow
@pytest.mark.covers("POST-08")
def test_a_watch_outlives_a_killed_service_and_people_are_told_what_to_do(site: Site) -> None:
    told: list[dict[str, Any]] = []

    def hook(handler: Handler) -> None:
        told.append(json.loads(handler.rfile.read(int(handler.headers["Content-Length"]))))
        handler.answer(200, b"")

    with Server() as server:
        server.pages["/in"] = hook
        site.settings["notify"] = {"hook": {"webhook": {"url": f"{server.base}/in"}}}
        in_watch(site, "1h")
        with site.serving() as first:
            until(lambda: site.events("run.watched"), lambda: first.told, 60)
            first.kill()
            site.end_children()
        looks = len(site.events("run.watched"))
        site.effects.with_name("effects.broken").touch()
        with site.serving(1) as second:
            until(lambda: told, lambda: second.told, 120)
    assert len(site.events("run.watched")) >= looks + 2, "one bad look is not enough"
    assert len(site.events("run.reopened")) == 1
    [run] = site.runs()
    assert (run["status"], run["verdict"], run["settled"]) == ("changed", "degraded", False)
    assert (told[0]["sort"], told[0]["subject"]) == ("degraded", "served: night is worse than before")
    assert f"To take it back: mainstay rollback {run['id']}" in told[0]["text"]
    assert "worse in its watch period: till.check" in told[0]["text"]

    assert f"mainstay rollback {run['id']}" in site.call("show", "last")
    assert f"mainstay rollback {run['id']}" in site.call("status")
    assert "degraded" in site.call("runs")
    site.effects.with_name("effects.broken").unlink()
    site.call("rollback", "last")
    assert site.done() == ["deployed", "undone"]
    assert "rolled back" in site.call("runs")
    assert "rolled back" in site.call("show", "last")
    assert record(site)["rolled_back"]


def test_a_look_that_leads_to_nothing_is_one_line_and_no_failure(site: Site) -> None:
    in_watch(site, "1h")
    site.settings["routines"]["night"]["watch_every"] = "100ms"
    site.write()
    site.call("run", "night", "--yes")
    [run] = site.runs()
    assert f"watched {run['id']}: nothing is worse than before the run" in site.call("settle")
    site.effects.with_name("effects.broken").touch()
    assert f"watched {run['id']}: till.check: " in site.call("settle")
    assert f"mainstay rollback {run['id']}" in site.call("settle"), "the second in a row"


@pytest.mark.slow
@pytest.mark.covers("POST-08")
def test_a_watch_that_ends_well_is_a_note_in_the_record(site: Site) -> None:
    in_watch(site, "3s")
    with site.serving() as service:
        until(lambda: service and site.runs() and site.runs()[0]["settled"], lambda: service.told, 60)
    [settled] = site.events("run.settled")
    assert settled["text"].startswith("watched for 3s, ")
    assert settled["text"].endswith(": nothing is worse than before the run")
    assert settled["text"] in site.call("show", "last")
