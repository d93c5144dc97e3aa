"""Judge the maintenance mode: its configuration, a flag that nobody answers for, and what is seen from outside."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.kinds.nginx import flag, include, outside, program
from mainstay.kinds.nginx.facts import Configuration, Facts, Flag
from mainstay.kinds.nginx.settings import Settings
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock


class Check(TaskKind[Facts, NoParams]):
    """A mode that an open run has on is no finding; one that outlived its run or its lease is critical."""

    name = "check"
    summary = "configuration, maintenance mode and its lease, and what is answered from outside"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Read the flag and the configuration, and ask from outside."""
        settings: Settings = session.target.settings
        return Facts(
            clock.now(),
            session.target.name,
            session.site,
            settings,
            flag.read(settings.folder, session.held),
            outside.ask(settings, settings.urls),
            outside.ask(settings, settings.exempt_urls),
            program.look(session),
        )

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Judge each of them; one line of what was seen when all is well."""
        assert facts.configuration
        found = [*_configuration(facts, facts.configuration), *_outside(facts)]
        if facts.flag:
            return [*found, _flag(facts, facts.flag)]
        return found or [Finding(Level.OK, "maintenance mode", because("off", _coverage(facts.configuration)))]


def _configuration(facts: Facts, found: Configuration) -> Iterator[Finding]:
    target, settings = facts.target, facts.settings
    if found.problem:
        advice = "mend it before anything makes nginx load it"
        yield Finding(Level.CRITICAL, "configuration", because("nginx -t", found.problem), advice)
    write = f"mainstay run {target}.setup"
    for setting, there, wanted in (
        ("http_include", found.http, include.http(target, settings)),
        ("include", found.server, include.server(target, settings)),
    ):
        if there != wanted:
            state = "missing" if there is None else "not what setup would write"
            yield Finding(Level.WARNING, str(getattr(settings, setting)), because("the file is", state), write)
    written = include.version_in(found.server)
    if written and set(found.loaded) - {written}:
        advice = "nginx -s reload, after nginx -t"
        yield Finding(Level.WARNING, "configuration", because("nginx has loaded", "another version of the files"), advice)
    if not found.includes and not found.problem:
        advice = f"write `include {settings.include};` into each of them, then: nginx -s reload"
        yield Finding(Level.WARNING, "configuration", because("server blocks that include the mode", 0), advice)


def _outside(facts: Facts) -> Iterator[Finding]:
    on = facts.flag is not None
    for seen in facts.public:
        if on and not seen.retry_after:
            yield Finding(
                Level.CRITICAL, seen.url, because("the mode is on and not seen", str(seen)), "is the file included there?"
            )
        elif not on and (seen.status >= 500 or not seen.status):
            yield Finding(Level.CRITICAL, seen.url, because("public answer", str(seen)))
    for seen in facts.exempt:
        if seen.status >= 500 or not seen.status:
            yield Finding(Level.CRITICAL, seen.url, because("exempt answer", str(seen)))


def _flag(facts: Facts, found: Flag) -> Finding:
    on, lift = "maintenance mode", f"mainstay mode off {facts.target}, or remove {facts.settings.folder / 'on'}"
    if not found.owned:
        return Finding(Level.CRITICAL, on, because("on, and of no open run", found.owner or "nobody knows whose"), lift)
    if found.lease and facts.at > found.lease:
        late = Duration((facts.at - (found.until or found.lease)).total_seconds())
        return Finding(Level.CRITICAL, on, because("overdue", late, ">", facts.settings.lease, "lease"), lift)
    if found.until and facts.at > found.until:
        late = Duration((facts.at - found.until).total_seconds())
        return Finding(Level.WARNING, on, because("overdue", late), "it takes longer than users were told")
    text = f"until {found.until:%Y-%m-%d %H:%M} UTC, by {found.owner}" if found.until else found.owner
    return Finding(Level.OK, on, because("on", text))


def _coverage(found: Configuration) -> str:
    return f"{found.includes} of {found.servers} server blocks can show it"
