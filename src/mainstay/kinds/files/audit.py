"""Is every named configuration file sound: does it parse, are its variables set, who can read it, is it as approved."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from datetime import datetime

from mainstay.kinds.files.documents import Document, documents
from mainstay.kinds.files.drift import Drift, drifted
from mainstay.kinds.files.pairs import Unparsed
from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.syntax import mistakes
from mainstay.kinds.files.variables import Unset, is_compose, names_set, unset
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.system import clock

_MOST = 100  # mistakes of one file


@dataclass(frozen=True)
class Flaw:
    """A mistake of syntax."""

    file: str
    line: int
    problem: str


@dataclass(frozen=True)
class Facts:
    """What is wrong with the named files; `open_to_all` are those with secrets that everybody on this host can read."""

    at: datetime
    files: tuple[str, ...]
    flaws: tuple[Flaw, ...]
    unset: tuple[Unset, ...]
    open_to_all: tuple[str, ...]
    skipped: dict[str, str]
    problems: tuple[str, ...] = ()
    drift: tuple[Drift, ...] = ()


class Audit(TaskKind[Facts, NoParams]):
    """Parse JSON, YAML, TOML and `.env`; look up the variables of Compose files."""

    name = "audit"
    summary = "syntax of configuration files, variables that are used and not set, readable secrets, drift from what was approved"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Read every named file once."""
        settings: Settings = session.target.settings
        problems: list[str] = []
        named = replace(settings, configuration=(*settings.configuration, ".env", "*/.env"))  # they set Compose's variables
        found = list(documents(named, problems))
        read = [one for one in found if not one.skipped]
        drift = tuple(drifted(settings, named, read, problems))
        flaws = [Flaw(one.file, flaw.line, flaw.problem) for one in read for flaw in mistakes(one.form, one.text)[:_MOST]]
        return Facts(
            at=clock.now(),
            files=tuple(one.file for one in read),
            flaws=tuple(flaws),
            unset=tuple(missing for one in read for missing in _unset(one, read)),
            open_to_all=tuple(one.file for one in read if one.form == "env" and one.mode & stat.S_IROTH),
            skipped={one.file: one.skipped for one in found if one.skipped},
            problems=tuple(problems[:20]),
            drift=drift,
        )

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Syntax first; an unset variable becomes an empty text in the container, silently."""
        found = [Finding(Level.CRITICAL, f"{one.file}:{one.line}", because("syntax", one.problem)) for one in facts.flaws]
        found += [_variable(one) for one in facts.unset]
        found += [_drift(one) for one in facts.drift]
        for file in facts.open_to_all:
            found.append(Finding(Level.WARNING, file, because("readable", "by everybody on this host"), f"chmod 640 {file}"))
        found += [Finding(Level.WARNING, "folder", because("not looked into", problem)) for problem in facts.problems]
        for file, why in facts.skipped.items():
            level = Level.OK if why.startswith("an example") else Level.WARNING
            found.append(Finding(level, file, because("not looked into", why)))
        if not any(one.level for one in found):
            level = Level.OK if facts.files else Level.WARNING
            found.append(Finding(level, "configuration", because("files", f"{len(facts.files)} looked at, nothing wrong")))
        return found


def _drift(one: Drift) -> Finding:
    where = f"{one.file}:{one.line}" if one.line else one.file
    reason = because("differs from the approved copies", one.how, param="approved")
    return Finding(Level.WARNING, where, reason, "look at the difference, then approve it there or take the approved copy back")


def _variable(one: Unset) -> Finding:
    level = Level.CRITICAL if one.required else Level.WARNING
    used = because(one.name, "used", "not in", ".env")
    return Finding(level, f"{one.file}:{one.line}", used, f"set {one.name} in .env, or give it a default: ${{{one.name}:-value}}")


def _unset(document: Document, read: list[Document]) -> list[Unset]:
    """Look up the variables of a Compose file in the `.env` of its folder; a file that does not parse is a flaw already."""
    folder, _, name = document.file.rpartition("/")
    if not is_compose(name):
        return []
    beside = f"{folder}/.env" if folder else ".env"
    known = frozenset[str]().union(*(names_set(one.text) for one in read if one.file == beside))
    try:
        return list(unset(document.file, document.text, known))
    except Unparsed:
        return []
