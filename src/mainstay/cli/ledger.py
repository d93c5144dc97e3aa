"""The journal itself: verify, repair, head, and who asked for what."""

from __future__ import annotations

from typing import Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Json

app = call.command()
group = call.command(
    "ledger",
    help="""Prove the journal whole, print its head, or repair it.

Every event carries the hash of the one before. The head, printed in every report, tells later whether history was
rewritten.

\b
mainstay ledger verify
mainstay ledger verify --against HEAD
mainstay ledger access
mainstay ledger repair
""",
)
app.add_typer(group)


@group.command()
def verify(
    against: Annotated[str, typer.Option("--against", metavar="HEAD", help="An earlier head; it must be found again.")] = "",
    as_json: Json = False,
) -> None:  # fmt: skip
    """Recompute the chain of the whole journal.

    It exits with 1 where a row does not follow from the one before. With --against it must also contain the event of that
    hash: a head from an old report shows that history was not rewritten.

    \b
    mainstay ledger verify
    mainstay ledger verify --against 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
    """
    journal = call.opened().journal
    events = journal.verify(against)
    if as_json:
        call.show_json("ledger/1", {"events": events, "head": journal.head(), "whole": True})
    else:
        call.say(f"{events:,} events, the chain holds; head {journal.head()}")


@group.command()
def head(as_json: Json = False) -> None:
    """Print the hash of the newest event, to be kept elsewhere.

    \b
    mainstay ledger head
    """
    found = call.opened().journal.head()
    if as_json:
        call.show_json("head/1", {"head": found})
    else:
        call.say(found)


@group.command()
def access(
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=100_000, help="How many, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List what other users asked the service for.

    Newest first: who, when, what, and why it was refused where it was. Looking is not journaled; whoever keeps asking for what
    is refused is journaled once a minute, with the number of the other times.

    \b
    mainstay ledger access
    mainstay ledger access -n 500 --json
    """
    from mainstay.ledger import queries
    from mainstay.report import access as page

    site = call.opened()
    asked = [page.of(event) for event in queries.access(site.journal, count)]
    if as_json:
        call.show_json("access/1", {"asked": asked})
    else:
        call.show(page.document(asked, call.now(site.site)))


@group.command()
def repair() -> None:
    """Save what a damaged journal still proves.

    A new journal is built from the beginning that can still be read; the damaged file is kept beside it. For a journal that a
    failing disk has torn. Runs whose last events were lost are found by `mainstay status` afterwards.

    \b
    mainstay ledger repair
    """
    from mainstay.ledger.repair import repair as save

    saved = save(call.opened().site.state)
    call.say(f"saved {saved.events:,} events; the damaged journal is kept as {saved.damaged}\n  next: mainstay ledger verify")
