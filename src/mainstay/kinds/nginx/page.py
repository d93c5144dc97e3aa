"""The page that people see, and its short form for programs: complete in itself, so that nothing behind is needed."""

from __future__ import annotations

import json as encoding
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mainstay.model.plan import Args

if TYPE_CHECKING:
    from jinja2 import Template


def html(args: Args) -> str:
    """Return the page; every value is escaped. A mode that an earlier version pinned knows no emergency."""
    return _template().render({"emergency": False, **args})


def json(args: Args) -> str:
    """Return what a program gets that accepts JSON."""
    known = {
        "status": 503,
        "title": "emergency maintenance" if args.get("emergency") else "maintenance",
        "detail": args["reason"] or None,
        "since": args["begun"],
        "until": args["until"],
        "status_page": args["status_link"] or None,
    }
    return encoding.dumps(known, ensure_ascii=False) + "\n"


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    text = Path(__file__).with_name("page.html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(text)
