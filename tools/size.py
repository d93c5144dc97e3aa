"""Print the size of the code in one row, and every place that is beyond a bound.

usage: python tools/size.py [ROOT]      (default: src; exit 1 when a bound is broken)

The row: files and lines; file median/p90/longest; functions; function median/p90/longest, docstrings left out; broad excepts,
`type: ignore` and `noqa` by number. The figures serve whoever reads the code, not the other way round.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE_LINES, FUNCTION_LINES, PARAMETERS = 400, 40, 5
TASK_LINES = 120  # of a file that is one task of a kind
BROAD = 1  # the one in the engine that journals a bug and raises it again
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of source."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    @property
    def broad_excepts(self) -> int:
        handlers = (node for node in ast.walk(self.tree) if isinstance(node, ast.ExceptHandler))
        names = (getattr(node.type, "id", None if node.type else "Exception") for node in handlers)
        return sum(name == "Exception" for name in names)

    @property
    def is_task(self) -> bool:
        classes = (node for node in self.tree.body if isinstance(node, ast.ClassDef))
        bases = (base.value if isinstance(base, ast.Subscript) else base for node in classes for base in node.bases)
        return "kinds" in self.path.parts and any(getattr(base, "id", "") == "TaskKind" for base in bases)


def read(root: Path) -> list[Module]:
    """Parse every Python file below a folder."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.py"))}
    return [Module(path, text, ast.parse(text)) for path, text in texts.items()]


def body(function: Function) -> int:
    """Count the lines of a function without its docstring."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return _span(function) - (_span(first) if documented else 0)


def parameters(function: Function) -> int:
    """Count the parameters of a function, self and cls left out."""
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in named)


def is_command(function: Function) -> bool:
    """Tell a command of the command line: its parameters are options, called by name by people."""
    calls = (decorator.func for decorator in function.decorator_list if isinstance(decorator, ast.Call))
    return any(isinstance(call, ast.Attribute) and call.attr in ("command", "callback") for call in calls)


def row(modules: list[Module]) -> str:
    """Return the figures of all modules as one line."""
    files, functions = [module.lines for module in modules], [body(one) for module in modules for one in module.functions]
    text = "".join(module.text for module in modules)
    return (
        f"files {len(files)}, lines {sum(files):,}, file {_spread(files)}; functions {len(functions):,}, {_spread(functions)}; "
        f"broad excepts {sum(module.broad_excepts for module in modules)}, "
        f"type: ignore {text.count('type: ' + 'ignore')}, noqa {text.count('# ' + 'noqa')}"
    )


def beyond(modules: list[Module]) -> Iterator[str]:
    """Yield every place that is beyond a bound."""
    for module in modules:
        limit = TASK_LINES if module.is_task else FILE_LINES
        if module.lines > limit:
            yield f"{module.path}: {module.lines} lines, at most {limit}"
        for function in module.functions:
            where = f"{module.path}:{function.lineno}: {function.name}"
            if body(function) > FUNCTION_LINES:
                yield f"{where}: {body(function)} lines, at most {FUNCTION_LINES}"
            if parameters(function) > PARAMETERS and not is_command(function):
                yield f"{where}: {parameters(function)} parameters, at most {PARAMETERS}"
        for mark in ("type: " + "ignore", "# " + "noqa"):
            if mark in module.text:
                yield f"{module.path}: {mark}"
    if sum(module.broad_excepts for module in modules) > BROAD:
        yield f"broad excepts: {', '.join(str(module.path) for module in modules if module.broad_excepts)}"


def main() -> int:
    """Measure, print, and judge."""
    modules = read(Path(sys.argv[1] if len(sys.argv) > 1 else "src"))
    broken = list(beyond(modules))
    print("\n".join([row(modules), *broken]))
    return 1 if broken else 0


def _spread(values: list[int]) -> str:
    ordered = sorted(values) or [0]
    return f"{int(statistics.median(ordered))}/{ordered[len(ordered) * 9 // 10]}/{ordered[-1]}"


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


if __name__ == "__main__":
    sys.exit(main())
