"""The commands of docs/how-to/know-how-long-patches-take.md, on the configuration of that page and a real system of its own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.shop import Shop
from tests.live import debian
from tests.live.debian import Debian, Entry, ago
from tests.test_docs import ROOT, configurations

PAGE = ROOT / "docs" / "how-to" / "know-how-long-patches-take.md"


@pytest.mark.skipif(bool(debian.missing()), reason=f"needs {debian.missing()}")
def test_the_page_is_what_happens(tmp_path: Path) -> None:
    system = Debian(tmp_path / "system")
    for version, at in (("1.0-1", 900.0), ("1.0-2", 20.0)):
        system.install(system.build("web", version, [Entry(version, ago(at), "bookworm-security")]))
    system.publish("bookworm-security", at=ago(1))
    for text in configurations(PAGE):
        (tmp_path / "mainstay.yaml").write_text(f"{text}state: {tmp_path}/state\n", encoding="utf-8")
        if "routines:" in text:
            break
    whole = (tmp_path / "mainstay.yaml").read_text().replace("kind: packages", f"kind: packages, root: {system.root}")
    (tmp_path / "mainstay.yaml").write_text(whole, encoding="utf-8")
    [block] = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    told = [Shop(tmp_path).run(*shlex.split(line)[1:]) for line in block.splitlines()]
    assert len(told) == 4
    assert all("20h" in text for text in (told[0], told[1], told[3]))
