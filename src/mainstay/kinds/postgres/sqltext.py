"""The text of other people's statements, fit to be shown: short, on one line, and without what was typed into it."""

from __future__ import annotations

import re

LENGTH = 500  # characters
_MARK = "'…'"
_PARTS = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?(?:\*/|$) )
    | (?P<name> "(?:[^"]|"")*(?:"|$) )
    | (?P<escaped> \b[eE]'(?:[^'\\]|''|\\.)*(?:'|$) )
    | (?P<string> '(?:[^']|'')*(?:'|$) )
    | (?P<dollar> \$(?P<tag>[A-Za-z_]\w*|)\$.*?(?:\$(?P=tag)\$|$) )
    """,
    re.DOTALL | re.VERBOSE,
)  # one pass from the left: a quote in a comment begins no string, and a dash in a string no comment


def shown(query: str) -> str:
    """Return a statement without literals and comments: passwords and personal data stay where they are."""
    text = " ".join(masked(query).split())
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "…"


def masked(text: str) -> str:
    """Return a text of SQL with its literals and comments taken out."""
    return _PARTS.sub(_kept, text)


def _kept(found: re.Match[str]) -> str:
    if found["comment"]:
        return " "
    return found[0] if found["name"] else _MARK
