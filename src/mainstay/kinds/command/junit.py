"""Read what a suite of tests reports: JUnit XML, as pytest, Maven, Jest, go-junit-report and others write it.

A document type, and with it every entity, is refused: what a report names could then be a file, or grow without end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

FAILING = 20  # failing tests that are kept by name
_LETTERS = 300  # of a message
_BAD = {"failure": "failed", "error": "error"}


class Malformed(ValueError):
    """What was read is no JUnit report; the text says why."""


@dataclass(frozen=True)
class Failing:
    """A test that did not pass: "failed" or "error", and what it said."""

    name: str
    how: str
    message: str


@dataclass(frozen=True)
class Suite:
    """The counts of all tests, and the first of those that did not pass."""

    tests: int = 0
    failures: int = 0
    errors: int = 0
    skipped: int = 0
    failing: tuple[Failing, ...] = ()

    def __str__(self) -> str:
        return f"{self.tests} tests: {self.failures} failed, {self.errors} with errors, {self.skipped} skipped"

    @property
    def passed(self) -> bool:
        """Whether there were tests, and none of them failed."""
        return bool(self.tests) and not self.failures and not self.errors

    def plus(self, other: Suite) -> Suite:
        """Add up two reports."""
        return Suite(
            self.tests + other.tests,
            self.failures + other.failures,
            self.errors + other.errors,
            self.skipped + other.skipped,
            (*self.failing, *other.failing)[:FAILING],
        )


def read(document: bytes) -> Suite:
    """Return what one report holds; Malformed when it is none, or not whole."""
    seen = _Seen()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = seen.doctype
    parser.StartElementHandler = seen.begins
    parser.EndElementHandler = seen.ends
    parser.CharacterDataHandler = seen.says
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise Malformed(f"not whole XML: {error}") from error
    return Suite(seen.tests, seen.failed, seen.erred, seen.skipped, tuple(seen.failing))


@dataclass
class _Seen:
    """What has been read so far; `test` is the name of the test that is being read, `how` and `said` what became of it."""

    tests: int = 0
    failed: int = 0
    erred: int = 0
    skipped: int = 0
    failing: list[Failing] = field(default_factory=list)
    _depth: int = 0
    _test: str = ""
    _how: str = ""
    _said: str = ""
    _listens: bool = False

    def doctype(self, *_: object) -> None:
        raise Malformed("it has a document type, which no report of tests needs")

    def begins(self, name: str, attributes: dict[str, str]) -> None:
        if not self._depth and name not in ("testsuites", "testsuite"):
            raise Malformed(f"its root is <{name[:40]}>, not <testsuites> or <testsuite>")
        self._depth += 1
        if name == "testcase":
            parts = (attributes.get("classname", ""), attributes.get("name", ""))
            self._test, self._how, self._said = ".".join(part for part in parts if part), "", ""
        elif name in _BAD and self._how not in ("failure", "error"):
            self._how, self._said, self._listens = name, attributes.get("message", "")[:_LETTERS], not attributes.get("message")
        elif name == "skipped" and not self._how:
            self._how = name

    def says(self, text: str) -> None:
        if self._listens and len(self._said) < _LETTERS:
            self._said += text[: _LETTERS - len(self._said)]

    def ends(self, name: str) -> None:
        self._depth -= 1
        self._listens = self._listens and name not in _BAD
        if name != "testcase":
            return
        self.tests += 1
        self.failed += self._how == "failure"
        self.erred += self._how == "error"
        self.skipped += self._how == "skipped"
        if self._how in _BAD and len(self.failing) < FAILING:
            self.failing.append(Failing(self._test, _BAD[self._how], self._said.strip()))
