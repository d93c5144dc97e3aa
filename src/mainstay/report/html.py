"""A document as one HTML file: styles and charts inside, no script, no request, and a policy that forbids both."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mainstay.report.document import Block, Document, clean

if TYPE_CHECKING:
    from jinja2 import Environment


def write(document: Document) -> str:
    """Render a document."""
    style = files(__package__).joinpath("templates/report.css").read_text(encoding="utf-8")
    hashed = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
    return _environment().get_template("report.html.j2").render(document=document, style=style, policy=policy)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("mainstay.report"),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(sort_of=_sort_of, soft=_soft)
    return found


def _harmless(value: Any) -> Any:
    return clean(value) if type(value) is str else value


def _soft(text: str) -> Any:
    """Let a long name break where its parts end."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"(?<=[._/:])(?=\w)", "<wbr>", str(escape(clean(text)))))


def _sort_of(block: Block) -> str:
    return type(block).__name__
