"""The docs are true: their links lead somewhere, their configurations load, their code is the code that is tested."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from mainstay import config
from mainstay.config.targets import Kinds
from mainstay.kinds import registry
from mainstay.kinds.kind import Kind
from tests.laws.outside.mainstay_lockfiles import KIND

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
OUTSIDE = ROOT / "tests" / "laws" / "outside"

LINK = re.compile(r"\[[^\]\n]*\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]*))?\)")
CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LISTING = re.compile(r"^`([\w./-]+)`\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@dataclass(frozen=True)
class WithSample:
    """The kinds of this installation, and the sample of the docs."""

    kinds: Kinds = registry
    PLANNED: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        return (*self.kinds.names(), KIND.name)

    def load(self, name: str) -> Kind:
        return KIND if name == KIND.name else self.kinds.load(name)


def configurations(page: Path) -> list[str]:
    """Return the YAML blocks of a page that configure a site; what a fragment leaves out is added."""
    blocks = [text for language, text in CODE.findall(page.read_text(encoding="utf-8")) if language == "yaml"]
    found = [text for text in blocks if re.search(r"^targets:", text, re.MULTILINE)]
    common = {"site": "docs", "timezone": "UTC"}
    return ["".join(f"{key}: {value}\n" for key, value in common.items() if f"{key}:" not in text) + text for text in found]


@every_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    prose = CODE.sub("", page.read_text(encoding="utf-8"))
    for path, anchor in LINK.findall(prose):
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name} links to {path}"
        assert not anchor or anchor in anchors(linked), f"{page.name} links to {path}#{anchor}"


@every_page
def test_every_configuration_can_be_used(page: Path, tmp_path: Path) -> None:
    for number, text in enumerate(configurations(page)):
        path = tmp_path / f"{number}.yaml"
        path.write_text(re.sub(r"^state:.*$", "", text, flags=re.MULTILINE) + f"state: {tmp_path}/state\n", encoding="utf-8")
        assert config.load(path, WithSample()).targets


def test_there_is_a_configuration_in_the_docs() -> None:
    assert sum(len(configurations(page)) for page in PAGES) >= 2


def test_the_sample_in_the_docs_is_the_one_that_is_tested() -> None:
    shown: dict[str, str] = {}
    for page in (ROOT / "docs" / "adding-a-kind.md", ROOT / "docs" / "adding-a-task.md"):
        for name, text in LISTING.findall(page.read_text(encoding="utf-8")):
            assert text == (OUTSIDE / name).read_text(encoding="utf-8"), f"{page.name} shows another {name}"
            shown[name] = text
    files = (path for path in OUTSIDE.rglob("*") if path.suffix in (".py", ".toml", ".yaml") and "build" not in path.parts)
    assert shown.keys() == {str(path.relative_to(OUTSIDE)) for path in files}


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
