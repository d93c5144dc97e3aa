"""Two guards of pure functions: one fails when they reach the world, one reads what they could reach."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

_REACHING = ("open", "os.", "socket.", "subprocess.", "sqlite3.", "shutil.", "tempfile.", "urllib.", "glob.", "fcntl.", "signal.")
_CLOCKS = frozenset({"now", "utcnow", "today", "monotonic", "sleep"})
_LOOKS = frozenset(
    re.findall(
        r"\w+",
        """
    exists stat lstat resolve is_dir is_file is_symlink is_mount iterdir glob rglob samefile owner group
    read_text read_bytes write_text write_bytes unlink mkdir touch rename rmdir expanduser cwd
""",
    )
)
_WORLD = frozenset(
    {"io", "os", "posix", "random", "secrets", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "time", "psutil"}
)
_ours = False


class NotPure(AssertionError):
    """A deciding function reached the world."""


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _ours and event.startswith(_REACHING):
        raise NotPure(f"{event} {args!r}"[:300])


sys.addaudithook(_hook)  # it cannot be taken out again, so it looks at `_ours`


@contextmanager
def sealed() -> Iterator[None]:
    """Raise NotPure for every file, socket and process that the interpreter is asked for inside."""
    global _ours
    _ours = True
    try:
        yield
    finally:
        _ours = False


def reached(function: Any, owner: type | None = None) -> list[str]:
    """Return what a function and everything of Mainstay and its kind that it calls could reach: clocks, files, processes."""
    return sorted({where for one, of in _called(function, owner, set()) for where in _violations(one, of)})


def _called(function: Any, owner: type | None, seen: set[Any]) -> Iterator[tuple[Any, type | None]]:
    if function in seen:
        return
    seen.add(function)
    yield function, owner
    for callee in _callees(function, owner):
        if isinstance(callee, FunctionType) and not _is_world(callee):
            yield from _called(callee, owner if callee.__qualname__.count(".") else None, seen)


def _callees(function: Any, owner: type | None) -> Iterator[Any]:
    for call in (node for node in ast.walk(_tree(function)) if isinstance(node, ast.Call)):
        found = _resolve(call.func, function, owner)
        if isinstance(found, FunctionType | ModuleType) or callable(found):
            yield found


def _resolve(node: ast.expr, function: Any, owner: type | None) -> Any:
    """Return the object that a name or a chain of attributes stands for; None when only a run could tell."""
    if isinstance(node, ast.Name):
        return owner if node.id in ("self", "cls") and owner else function.__globals__.get(node.id)
    if isinstance(node, ast.Attribute):
        base = _resolve(node.value, function, owner)
        return getattr(base, node.attr, None) if isinstance(base, ModuleType | type) else None
    return None


def _violations(function: Any, owner: type | None) -> Iterator[str]:
    where = f"{function.__module__}.{function.__qualname__}"
    for call in (node for node in ast.walk(_tree(function)) if isinstance(node, ast.Call)):
        callee, name = _resolve(call.func, function, owner), getattr(call.func, "attr", getattr(call.func, "id", ""))
        if callee is not None and _is_world(callee):
            yield f"{where} calls {name}"
        elif callee is None and isinstance(call.func, ast.Attribute) and name in _CLOCKS | _LOOKS:
            yield f"{where} calls .{name}()"
        elif name == "open" or (name in _CLOCKS and isinstance(call.func, ast.Attribute)):
            yield f"{where} calls {name}"


def _is_world(callee: Any) -> bool:
    module = getattr(callee, "__module__", "") or ""
    if module.startswith("mainstay.system.") and isinstance(callee, FunctionType):
        return True
    return module.partition(".")[0] in _WORLD


def _tree(function: Any) -> ast.AST:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):  # a lambda in the middle of an expression, or one that was made, such as __init__
        return ast.Module([], [])
