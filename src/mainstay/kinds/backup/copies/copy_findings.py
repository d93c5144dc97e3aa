"""Judge the copies at remotes, and the keys that they are encrypted for."""

from __future__ import annotations

from mainstay.kinds.backup.copies.remotes import RemoteFacts
from mainstay.kinds.backup.facts import RepositoryFacts, newest
from mainstay.model.because import Finding, Level, because
from mainstay.model.units import Duration

_CRITICAL, _WARNING = Level.CRITICAL, Level.WARNING


def copy_findings(facts: RepositoryFacts) -> list[Finding]:
    """Find what is late, damaged, gone or unproven at each remote, and keys that are missing, exposed or never tried."""
    if not facts.settings.copies:
        return []
    return [*_keys(facts), *(finding for remote in facts.remotes for finding in _remote(facts, remote))]


def _keys(facts: RepositoryFacts) -> list[Finding]:
    keys, limit = facts.keys, facts.settings.max_drill_age
    if not keys.complete:
        return [Finding(_CRITICAL, "keys", because("keys in the key folder", 0), "mainstay backup keys generate")]
    found = []
    if keys.exposed:
        reason, advice = because("others can read the keys", None), f"chmod -R go= {facts.settings.keys}"
        found.append(Finding(_WARNING, "keys", reason, advice))
    advice = "fetch the escrow text from its safe place: mainstay backup keys drill --with FILE"
    if keys.drill is None or keys.drill.fingerprint != keys.fingerprint:
        return [*found, Finding(_WARNING, "keys", because("copies opened with the escrowed key", 0), advice)]
    age = Duration((facts.at - keys.drill.at).total_seconds())
    if age > limit:
        return [*found, Finding(_WARNING, "keys", because("age of the last drill", age, ">", limit, "max_drill_age"), advice)]
    return [*found, Finding(Level.OK, "keys", because("age of the last drill", age, "<=", limit, "max_drill_age"))]


def _remote(facts: RepositoryFacts, remote: RemoteFacts) -> list[Finding]:
    """One finding for each target, and one for everything that is out of order."""
    if remote.trouble:
        return [Finding(_CRITICAL, remote.name, because(remote.trouble, None), "nothing can be copied there until then")]
    seen, spared = remote.seen, "look who can write there, and change that; then run the task copy"
    found = [_target(facts, remote, target) for target in facts.settings.of]
    found += [Finding(_CRITICAL, f"{remote.name} {id}", because("damaged", why), spared) for id, why in seen.damaged]
    found += [Finding(_CRITICAL, f"{remote.name} {id}", because("the copy is gone", None), spared) for id in seen.gone]
    for entry in seen.entries:
        if entry.differences:
            reason = because("damaged", entry.differences[0])
            found.append(Finding(_CRITICAL, f"{remote.name} {entry.id}", reason, "keep the others; run the task copy"))
    return found


def _target(facts: RepositoryFacts, remote: RemoteFacts, target: str) -> Finding:
    """Judge how far the copies of a target are behind, and then how old the newest proven one is."""
    on, settings = f"{remote.name} {target}", facts.settings.copies[remote.name]
    last, place = newest(remote.of(target)), f"copies.{remote.name}.max_lag"
    waiting = [entry for entry in facts.of(target) if last is None or entry.created > last.created]
    lag = Duration((facts.at - waiting[0].created).total_seconds()) if waiting else Duration(0)
    if lag > settings.max_lag:
        reason = because("a backup waits to be copied for", lag, ">", settings.max_lag, place)
        return Finding(_CRITICAL, on, reason, "run the task copy, and look why it failed")
    proven, limit = newest(entry for entry in remote.of(target) if entry.proven), facts.settings.max_age + settings.max_lag
    if proven is None:
        level = _CRITICAL if last else _WARNING
        return Finding(level, on, because("copies of a proven backup", 0), "run the tasks prove and copy")
    age = Duration((facts.at - proven.created).total_seconds())
    if age > limit:
        reason = because("age of the newest copy of a proven backup", age, ">", Duration(limit), "max_age")
        return Finding(_CRITICAL, on, reason, "run the tasks backup, prove and copy")
    return Finding(Level.OK, on, because("age of the newest copy of a proven backup", age, "<=", Duration(limit), "max_age"))
