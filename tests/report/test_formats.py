"""The four formats: golden files of one bad Sunday, and what must hold for every text that a report may contain."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from mainstay.model.because import Finding, Level, because
from mainstay.report import html, markdown, terminal
from mainstay.report.document import Cell, Document, Entries, Entry, Paragraph, Section, table
from mainstay.report.period import digest
from mainstay.report.render import Format, document, render
from mainstay.report.run import build
from tests.report.sample import NOW, bad, check, good, weeks

GOLDEN = Path(__file__).parent.parent / "golden" / "report"
HOSTILE = "<img src=x onerror=alert(1)> \x1b[2J | `x` \u202e\r\n</style><script>"
BAD = build(bad(), weeks(), NOW, head="9f2c1e07a4d2")


def same(name: str, text: str) -> None:
    """Compare with the golden file; `GOLDEN=write` writes it anew, to be read before it is kept."""
    path = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "format"), [("run.txt", "text"), ("run.md", "markdown"), ("run.json", "json")])
@pytest.mark.covers("LOG-19")
def test_a_run_is_told_as_it_is_written_down(name: str, format: Format) -> None:
    same(name, render(BAD, format))


def test_a_wide_terminal_is_filled() -> None:
    same("run-120.txt", terminal.write(document(BAD), 120))


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for one in (BAD, build(good(3), weeks(), NOW)):
        assert max(cell_len(line) for line in terminal.write(document(one), width).splitlines()) <= width


def test_colours_change_nothing_but_the_colours() -> None:
    coloured = terminal.write(document(BAD), 80, colour=True)
    heads = re.compile(r"\n─+(?=\n)")  # a plain heading is underlined with letters
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()[:6] == terminal.write(document(BAD), 80).splitlines()[:6]
    assert "\x1b[" in coloured
    assert "\x1b[" not in heads.sub("", terminal.write(document(BAD), 80))


class Reader(HTMLParser):
    """Collects tags and what could ask for something from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.asked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.asked += [name for name, _ in attrs if name in ("src", "href", "style", "action") or name.startswith("on")]


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


@pytest.mark.parametrize("run", [BAD, digest(weeks(), NOW.replace(month=8), NOW, NOW)])
def test_the_page_has_no_script_and_asks_for_nothing(run: Any) -> None:
    page = render(run, "html")
    reader = read(page)
    assert not reader.tags & {"script", "link", "img", "iframe", "object", "a", "form"}
    assert reader.asked == []
    assert "default-src &#39;none&#39;" in page


def test_the_page_allows_its_own_style_only() -> None:
    import base64
    import hashlib

    page = render(BAD, "html")
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"sha256-{digest}".replace("+", "&#43;") in page.replace("+", "&#43;")


def test_every_chart_can_be_read_aloud() -> None:
    page = render(BAD, "html")
    charts = re.findall(r"<svg [^>]*role=\"img\".*?<desc>", page, re.S)
    assert len(charts) == page.count('role="img"') > 10
    assert all("<title>" in chart for chart in charts)


def hostile() -> Document:
    cells = (Cell(HOSTILE), Cell("2"))
    entry = Entry(Cell("✗", "bad"), HOSTILE, HOSTILE, (Cell(HOSTILE),))
    parts = (table((HOSTILE, "#n"), [cells]), Entries((entry,)), Paragraph(HOSTILE))
    return Document(HOSTILE, Cell(HOSTILE, "bad"), HOSTILE, (HOSTILE,), (Section(HOSTILE, parts, HOSTILE),), HOSTILE)


def test_markup_in_a_name_stays_text() -> None:
    assert not read(html.write(hostile())).tags & {"img", "script"}
    assert "<img" not in markdown.write(hostile())
    assert "\x1b" not in terminal.write(hostile()) + markdown.write(hostile()) + html.write(hostile())
    assert "\u202e" not in terminal.write(hostile()) + markdown.write(hostile()) + html.write(hostile())


@given(st.text(max_size=200))
@example("\u2028")
@example("\u2029")
def test_no_text_leaves_its_place(text: str) -> None:
    one = Document("t", Cell("b"), text, sections=(Section("s", (table(("a", "b"), [(Cell(text), Cell(text))]),)),))
    assert read(html.write(one)).tags == read(html.write(replace(one, summary="x"))).tags
    assert all(cell_len(line) <= 80 for line in terminal.write(one).splitlines())
    row = markdown.write(one).splitlines()[-1]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 3


def test_ten_thousand_findings_are_bounded_for_people_and_complete_for_machines() -> None:
    found = tuple(Finding(Level.WARNING, f"{HOSTILE} {place}", because("size", place)) for place in range(10_000))
    run = replace(good(5), checks=(replace(check("api.check", "api", found[0]), findings=found),))
    many = build(run, [], NOW)
    assert len(render(many, "html")) < 200_000
    assert "9,900 more" in render(many, "text")
    assert len(json.loads(render(many, "json"))["findings"]) == 10_000


@pytest.mark.parametrize("word", ["pass", "Everything"])
@pytest.mark.covers("POST-07")
def test_a_run_that_failed_never_says_that_all_is_well(word: str) -> None:
    head = render(BAD, "text").splitlines()[:3]
    assert "FAIL" in head[0]
    assert not any(word in line for line in head)
    assert json.loads(render(BAD, "json"))["verdict"] == "fail"


def test_there_is_no_csv_of_a_run() -> None:
    with pytest.raises(ValueError, match="no csv of a RunReport"):
        render(BAD, "csv")
