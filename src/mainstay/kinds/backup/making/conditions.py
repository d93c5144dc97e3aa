"""What has to be so before a backup: targets answer, nothing holds their dump up, there is room, remotes are there. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.backup.facts import RepositoryFacts, Source
from mainstay.kinds.backup.making.room import addition, refusal
from mainstay.model.because import Because, Finding, Level, because
from mainstay.vault.store import Hindrance

_ADVICE = "this target gets no backup until that is mended"
_SHOWN = 10  # hindrances of one target


def conditions(facts: RepositoryFacts) -> list[Finding]:
    """Judge them all; what is in order is told as well, so that a person sees what was asked."""
    found = [finding for source in facts.sources for finding in _of(facts, source)]
    return [*found, *_remotes(facts)]


def refused(facts: RepositoryFacts, source: Source) -> Because | None:
    """Say why a target gets no backup: it cannot be dumped, or its backup would not fit."""
    return because("cannot be backed up", source.trouble) if source.trouble else refusal(facts, source.target, source.bytes)


def _of(facts: RepositoryFacts, source: Source) -> Iterator[Finding]:
    if reason := refused(facts, source):
        yield Finding(Level.CRITICAL, source.target, reason, _ADVICE)
        return
    yield Finding(Level.OK, source.target, because("answered after", source.answered))
    if facts.identity:
        need = addition(facts, source.target, source.bytes)
        yield Finding(Level.OK, f"room for {source.target}", because("expected to be added", need, "<=", facts.free))
    yield from (_hindrance(source.target, one) for one in source.hindrances[:_SHOWN])


def _hindrance(target: str, one: Hindrance) -> Finding:
    """A dump waits for a lock; a long transaction only means that what it changes is not in the backup."""
    if one.blocks:
        return Finding(Level.WARNING, target, because(one.what, one.age), f"{one.who}: the dump waits until it is gone")
    reason = because(one.what, one.age, ">", one.limit, "limits.transaction")
    return Finding(Level.WARNING, target, reason, f"{one.who}: what it changes is not in this backup")


def _remotes(facts: RepositoryFacts) -> Iterator[Finding]:
    for one in facts.remotes:
        if one.trouble:
            advice = "the backup is made all the same; its copy is not"
            yield Finding(Level.WARNING, f"remote {one.name}", because(one.trouble, None), advice)
        else:
            yield Finding(Level.OK, f"remote {one.name}", because("it answers, copies there", len(one.seen.entries)))
