"""The life of a service: start, wait for signals, feed the watchdog, read the configuration anew, stop in time.

TERM, INT, HUP and CHLD are blocked in every thread and taken one after the other by the main thread (sigwait(3)): no handler
runs in the middle of anything.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mainstay import __version__
from mainstay.app import App
from mainstay.ledger import events
from mainstay.model.errors import ConfigError, MainstayError, Refused
from mainstay.model.task import Lock, Site
from mainstay.model.units import Duration, Size
from mainstay.serve import loops, page, standing
from mainstay.serve.accepted import Accepted
from mainstay.serve.asks import Asks
from mainstay.serve.common import Common
from mainstay.serve.loop import Loop
from mainstay.system import clock, files, locks, service_manager, unix

SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD})
SIGN_OF_LIFE = Duration(5)
_TICK = 0.5
_LAST_PASS = Duration(1)  # twice what those wait who listen; who is at work for longer is left, as the process ends
_ROOM = Size(100_000)  # bytes without which it does not begin
MODE = 0o666  # anybody may connect: who may do what is decided by who it is


class Bug(Exception):
    """A loop has ended by an error that nobody foresaw; its traceback was printed by its thread."""


def serve(main: Path, say: Callable[[str], None], limit: Duration | None = None) -> None:
    """Serve until TERM or INT, or for as long as `limit` says; Refused when another service of this state folder is at work."""
    main = Path(os.path.abspath(main))
    site = App.open(main).site
    app = App(site)
    _require_room(site.state)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    with _only_one(app):
        accepted = Accepted(main, site.state)
        site, file = accepted.take()
        common = Common(app.with_site(site), file, socket_of(site), say)
        with page.readers(site) as browsers, unix.listening(common.socket, MODE) as way:
            parts = loops.of(common, Asks(common, way), browsers)
            Service(common, accepted, parts).live(clock.Deadline(limit) if limit is not None else None)


class Service:
    """One service, seen by its main thread."""

    def __init__(self, common: Common, accepted: Accepted, parts: tuple[Loop, ...]) -> None:
        self._common, self._accepted, self._loops = common, accepted, parts
        self._since = clock.now()
        self._trouble: list[str] = []
        self._waits = clock.Deadline(Duration(0))

    def live(self, until: clock.Deadline | None) -> None:
        """Do everything, until a signal ends it, or the time is over."""
        common = self._common
        self._journal(events.SERVE_STARTED, version=__version__, socket=str(common.socket))
        standing.write(common.app.site.state, self._since, [])
        for loop in self._loops:
            loop.start(common.over, common.say)
        service_manager.tell(service_manager.READY, f"STATUS=serving {common.app.site.name}")
        shown = common.app.site.serve.page
        browsers = f", browsers at http://{shown}/" if shown else ""
        common.say(f"serving {common.app.site.name}; others ask at {common.socket}{browsers}")
        because = "an error"
        try:
            because = self._wait(until)
        finally:
            self._stop(because)

    def _wait(self, until: clock.Deadline | None) -> str:
        """Look after everything until it is to end, and return why it is."""
        while until is None or until.left:
            number = self._next_signal()
            if number in (signal.SIGTERM, signal.SIGINT):
                return signal.Signals(number).name
            if number == signal.SIGHUP:
                self._reload()
            self._look_after()
        return f"{until.allowed} are over"

    def _next_signal(self) -> int | None:
        found = signal.sigtimedwait(SIGNALS, _TICK)
        return found.si_signo if found else None

    def _look_after(self) -> None:
        for name in self._common.workers.look_after():
            self._common.say(f"{name}: took too long, and was ended")
        if dead := [loop.name for loop in self._loops if not loop.is_alive]:
            raise Bug(f"{', '.join(dead)} has ended")
        stuck = [f"{loop.name} does not come back" for loop in self._loops if loop.is_stuck]
        if not stuck:
            service_manager.tell(service_manager.WATCHDOG)
        trouble = stuck + [f"{loop.name}: {loop.trouble}" for loop in self._loops if loop.trouble]
        if trouble != self._trouble:
            self._keep(trouble)
        elif not self._waits.left and not stuck:
            standing.sign_of_life(self._common.app.site.state)
            self._waits = clock.Deadline(SIGN_OF_LIFE)

    def _keep(self, trouble: list[str]) -> None:
        try:
            standing.write(self._common.app.site.state, self._since, trouble)
        except MainstayError:
            return  # the disk is full: the same is tried again at the next tick, and loops that write have told
        self._trouble = trouble

    def _reload(self) -> None:
        """Take the configuration as it is now; where it is wrong, the old one stays in force."""
        common, old = self._common, self._common.app.site
        service_manager.tell(service_manager.reloading())
        try:
            site, file = self._accepted.take()
            if (site.state, socket_of(site), site.serve.page) != (old.state, common.socket, old.serve.page):
                raise ConfigError(
                    "the state folder, the socket or the address of the page has changed", next="restart the service for that"
                )
        except MainstayError as error:
            common.say(f"not reloaded, the old configuration stays in force: {error}")
            self._journal(events.SERVE_RELOAD_REFUSED, because=str(error))
        else:
            common.app, common.file = common.app.with_site(site), file
            common.say("reloaded")
            self._journal(events.SERVE_RELOADED, files=[str(path) for path in site.files])
        service_manager.tell(service_manager.READY)

    def _stop(self, because: str) -> None:
        common = self._common
        service_manager.tell(service_manager.STOPPING)
        common.say(f"stopping: {because}")
        common.over.set()
        killed = common.workers.stop(common.app.site.serve.stop_within)
        for name in killed:
            common.say(f"{name}: did not stop in time, and was killed; the next start settles it")
        self._journal(events.SERVE_STOPPED, because=because, killed=killed)
        within = clock.Deadline(_LAST_PASS)
        for loop in self._loops:
            loop.finish(within)

    def _journal(self, kind: str, **body: object) -> None:
        """Write it down; a service whose disk is full goes on without."""
        try:
            self._common.app.journal.append(kind, body)
        except MainstayError as error:
            self._common.say(f"{kind} is not journaled: {error}")


def socket_of(site: Site) -> Path:
    """Return where a site's service listens."""
    if site.serve.socket:
        return site.serve.socket
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(runtime or site.state) / "serve.sock"


def _require_room(state: Path) -> None:
    """Refuse to begin where nothing can be written down: a ledger that was opened on a full disk can only be read."""
    if state.is_dir() and (free := files.room(state).free) < _ROOM:
        raise Refused("there is no room to work in", on=str(state), because=f"{free} are free", next="free space there")


@contextmanager
def _only_one(app: App) -> Iterator[None]:
    folder = app.context.locks  # which opens the journal: an error of that is another
    try:
        held = locks.acquire(folder, Lock(standing.LOCK), "serve")
    except Refused as error:
        raise Refused(
            "a service of this state folder is at work", on=str(app.site.state), because=error.because, next="mainstay status"
        ) from error
    try:
        yield
    finally:
        held.release()
