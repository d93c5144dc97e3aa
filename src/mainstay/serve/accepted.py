"""The configuration in force: a copy, so that what is being edited is not run, and a broken file changes nothing.

The copy has the tree of the original, so that includes are found and every line keeps its name. What an include names by an
absolute path is read where it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from mainstay.app import App
from mainstay.model.errors import ConfigError
from mainstay.model.task import Site

FOLDER = "serve"


class Accepted:
    """The copies of one service; those of earlier ones are taken away."""

    def __init__(self, main: Path, state: Path) -> None:
        self._main, self._folder = main, state / FOLDER
        self._number = 0
        shutil.rmtree(self._folder, ignore_errors=True)

    def take(self) -> tuple[Site, Path]:
        """Return the site as the files have it now, and the copy that says so; ConfigError holds every mistake."""
        files = App.open(self._main).site.files
        self._number += 1
        root = self._folder / str(self._number)
        _copy(files, root)
        copied = root / self._main.relative_to("/")
        site = App.open(copied).site
        shutil.rmtree(self._folder / str(self._number - 2), ignore_errors=True)  # a child that reads the last one is done soon
        return site, copied


def _copy(files: Iterable[Path], root: Path) -> None:
    root.mkdir(mode=0o700, parents=True)
    for file in files:
        there = root / file.relative_to("/")
        there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copyfile(file, there)
        except OSError as error:
            raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
        there.chmod(0o600)
