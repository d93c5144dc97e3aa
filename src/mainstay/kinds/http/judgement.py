"""Whether an answer is a good one, and whether its certificate will be for a while."""

from __future__ import annotations

from mainstay.kinds.http.facts import Answer, Facts, Value
from mainstay.model.because import Finding, Level, because
from mainstay.model.units import Duration

_SHORT_LIFE = 10 * 86400


def problems(facts: Facts) -> list[Finding]:
    """Return what is wrong with an answer: that there is none, its status, its body, its time; not its certificate."""
    if facts.answer:
        return answered("", facts)
    assert facts.failure
    return [Finding(Level.CRITICAL, "", because(f"no answer ({facts.failure.stage})", facts.failure.reason))]


def answered(on: str, facts: Facts) -> list[Finding]:
    """Judge an answer that came."""
    answer = facts.answer
    assert answer
    found = [_value(on, value) for value in answer.values if value.problem or not _same(value)]
    if answer.status not in facts.statuses:
        expected = " or ".join(map(str, facts.statuses))
        found.insert(0, Finding(Level.CRITICAL, on, because("status", str(answer.status), "!=", expected, "expect.status")))
    if answer.text_found is False:
        where = f" in the first {answer.size}" if answer.cut else ""
        found.append(Finding(Level.CRITICAL, on, because(f"body{where}", "without", "!=", repr(facts.text), "expect.body")))
    total = answer.timings.total
    if facts.within is not None and total > facts.within:
        late = because("answer_time", total, ">", facts.within, "expect.within")
        found.append(Finding(Level.WARNING, on, late, _stages(answer)))
    return found


def _value(on: str, value: Value) -> Finding:
    if value.problem:
        return Finding(Level.CRITICAL, on, because(f"json {value.path}", value.problem, "!=", value.expected, "expect.json"))
    return Finding(Level.CRITICAL, on, because(f"json {value.path}", value.found, "!=", value.expected, "expect.json"))


def _same(value: Value) -> bool:
    """Compare by JSON's types: true is not 1."""
    return value.found == value.expected and isinstance(value.found, bool) == isinstance(value.expected, bool)


def certified(facts: Facts) -> list[Finding]:
    """Judge how much of its life a certificate has left."""
    left = facts.lifetime_left
    if not facts.certificate or left is None:
        return []
    lifetime = (facts.certificate.not_after - facts.certificate.not_before).total_seconds()
    warning = "left_warning_short" if lifetime < _SHORT_LIFE else "left_warning"
    ends = (facts.certificate.not_after - facts.at).total_seconds()
    advice = f"expired {Duration(-ends)} ago" if ends <= 0 else f"expires in {Duration(ends)}; renew it"
    for level, param in ((Level.CRITICAL, "left_critical"), (Level.WARNING, warning)):
        limit = getattr(facts.tls, param)
        if left < limit:
            return [Finding(level, "certificate", because("lifetime_left", left, "<", limit, f"tls.{param}"), advice)]
    return []


def _stages(answer: Answer) -> str:
    seen = answer.timings
    return f"connected after {seen.connected}, first byte after {seen.first_byte}, {answer.size} read"
