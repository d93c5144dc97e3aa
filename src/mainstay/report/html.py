"""A document as one HTML file: styles and charts inside, no script, no request, and a policy that forbids both."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mainstay.report.document import Block, Document, clean

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Among:
    """A page's place among others: where the first of them is, its title, and after how many seconds a browser reads it anew."""

    first: str = ""
    title: str = ""
    anew: int = 0


def write(document: Document, among: Among | None = None) -> str:
    """Render a document."""
    parts = {"style": _style(), "policy": policy(), "among": among or Among()}
    return _environment().get_template("report.html.j2").render(document=document, **parts)


def policy() -> str:
    """Return the Content-Security-Policy of every report: its own style, and nothing else."""
    hashed = b64encode(sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"


def _style() -> str:
    """Read it anew: a service may be older than the child that wrote what it shows."""
    return files(__package__).joinpath("templates/report.css").read_text(encoding="utf-8")


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
    """Let a long name break where its parts end, and no number or time of day."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"(?<=[._/:])(?=[^\W\d])|(?<=[_/])(?=\d)", "<wbr>", str(escape(clean(text)))))


def _sort_of(block: Block) -> str:
    return type(block).__name__
