"""Find values that were to be replaced before anything went live, and secrets that everybody knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from mainstay.kinds.files.documents import Document, documents
from mainstay.kinds.files.pairs import Unparsed, pairs
from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.suspects import Suspect, Why, suspects
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Because, Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.system import clock

_MOST = 500  # suspects that are kept; beyond them the first ones are to be put right first


@dataclass(frozen=True)
class Facts:
    """Where suspicious values stand; the values themselves are not here. `skipped` maps a file to why it was not read."""

    at: datetime
    shortest_secret: int
    files: tuple[str, ...]
    values: int
    suspects: tuple[Suspect, ...]
    skipped: dict[str, str]
    problems: tuple[str, ...] = ()


@dataclass
class _Reading:
    """What has been read so far."""

    files: list[str] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    values: int = 0

    def add(self, document: Document, settings: Settings) -> None:
        """Judge one file, or note why it cannot be judged."""
        if document.skipped:
            self.skipped[document.file] = document.skipped
            return
        try:
            read = list(pairs(document.form, document.text))
        except Unparsed as error:
            self.skipped[document.file] = f"is not {document.form}: {error}"
            return
        self.files.append(document.file)
        self.values += len(read)
        self.suspects += suspects(document.file, iter(read), settings)


class Placeholders(TaskKind[Facts, NoParams]):
    """Read the named configuration files; report file, line and key, with every value masked."""

    name = "placeholders"
    summary = "placeholders and well-known secrets in the named configuration files, values masked"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Judge every key of every named file."""
        settings: Settings = session.target.settings
        reading = _Reading()
        problems: list[str] = []
        for document in documents(settings, problems):
            reading.add(document, settings)
        return Facts(
            at=clock.now(),
            shortest_secret=settings.shortest_secret,
            files=tuple(reading.files),
            values=reading.values,
            suspects=tuple(reading.suspects[:_MOST]),
            skipped=reading.skipped,
            problems=tuple(problems[:20]),
        )

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """One line for each suspect and each file that could not be read; one when all is well."""
        found = [_finding(one, facts) for one in facts.suspects]
        found += [Finding(_level(why), file, because("not looked into", why)) for file, why in facts.skipped.items()]
        found += [Finding(Level.WARNING, "folder", because("not looked into", problem)) for problem in facts.problems]
        if not facts.suspects:
            seen = f"{facts.values:,} values in {len(facts.files)} files, none suspicious"
            found.append(Finding(Level.OK if facts.files else Level.WARNING, "configuration", because("seen", seen)))
        return found


def _level(why: str) -> Level:
    return Level.OK if why.startswith(("an example", "is binary")) else Level.WARNING


def _finding(one: Suspect, facts: Facts) -> Finding:
    level = Level.CRITICAL if one.secret and one.why in ("placeholder", "common", "key") else Level.WARNING
    reasons: dict[Why, Because] = {
        "placeholder": because("value", "***", "in", one.rule, "placeholders"),
        "common": because("secret", "***", "in", "well-known passwords"),
        "key": because("secret", "***", "==", "its own key"),
        "short": because("secret_length", "***", "<", facts.shortest_secret, "shortest_secret"),
        "empty": because("secret", "empty"),
    }
    return Finding(level, str(one), reasons[one.why], "set a value of your own, and keep it out of version control")
