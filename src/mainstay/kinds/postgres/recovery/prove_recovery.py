"""Prove that the newest base backup and the log after it can be recovered, by recovering them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.kinds.postgres.recovery import base, private, rules
from mainstay.kinds.postgres.recovery.choice import Target, choose
from mainstay.kinds.postgres.recovery.facts import ArchiveFacts, beside, configured, look
from mainstay.kinds.postgres.recovery.folder import Archive
from mainstay.kinds.postgres.recovery.recovering import Order, Recovery
from mainstay.model.because import Because, because
from mainstay.model.plan import Cost, Impact, On, Skip, Step
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system import process
from mainstay.system.clock import Deadline


class ProveRecovery(TaskKind[ArchiveFacts, NoParams]):
    """Recovered in a scratch folder to the end of the log, every row counted, pg_amcheck where it is there, timed, removed."""

    name = "prove_recovery"
    summary = "recover the newest base backup and all log after it in a scratch folder, check it, and measure how long that takes"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = ArchiveFacts

    def observe(self, session: Session, on: On | None = None) -> ArchiveFacts:
        """List the archive, or one of its base backups; the server is not needed."""
        facts = look(session, server=False)
        return replace(facts, bases=tuple(one for one in facts.bases if one.base.id == on[1])) if on else facts

    def plan(self, facts: ArchiveFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """One recovery, or the reason why there can be none."""
        found = choose(facts, Target())
        if isinstance(found, Because):
            return [Skip(("recovery", facts.name), found)]
        if facts.beside < found.needed:
            return [Skip(("recovery", facts.name), because("free", facts.beside, "<", found.needed))]
        why = because("the newest base backup and all log after it", rules.practice(facts))
        id, scratch = found.base.id, str(beside(facts.settings) / f".mainstay-{name}")
        args, deadline = {"base": id, "name": name, "scratch": scratch}, Duration(24 * 3600)
        cost = Cost(bytes=found.needed, files=len(found.chain.places))
        return [
            Step(
                f"prove {id}", "prove_recovery", ("base", id), why, Impact.LOAD, args=args, deadline=deadline, cost=cost,
                proves=(facts.name,),
            )
        ]  # fmt: skip

    def verify(self, before: ArchiveFacts, after: ArchiveFacts, step: Step) -> str | None:
        """A record of this very recovery lies beside the base backup."""
        names = {proof.name for one in after.bases for proof in one.proofs}
        return None if step.args["name"] in names else f"{step.args['base']} was not recovered"

    def locks(self, resource: str, params: NoParams) -> tuple[Lock, ...]:
        """Nothing is pruned meanwhile; the server is not touched."""
        return (Lock(f"{resource}#archive", exclusive=False),)

    @action("prove_recovery")
    def prove(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Recover, keep what it has shown, and remove it."""
        self.tidy(session, step, deadline)
        settings, args = configured(session), step.args
        archive, scratch = Archive(settings.path), Path(args["scratch"])
        order = Order(args["base"], args["name"], scratch=True)
        result = Recovery(session, archive, order, scratch, deadline).perform(settings.user)
        private.clear(scratch)
        base.prove(archive, result)

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """End the server of an attempt that did not finish, and remove what it has made."""
        process.end_tagged(session.door.tag)
        private.clear(Path(step.args["scratch"]))
