"""The log of a process: on the error stream, without secrets, and without what would steer a terminal.

Everything that is logged goes through one sink: ours, Pipecat's (loguru), and what other libraries hand to `logging`.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from loguru import logger

from core.display import visible
from pipeline.config.secrets import SECRETS

# Lines that one place in the code may write in WINDOW seconds; a flood costs more than it tells.
MOST_LINES = 20
WINDOW = 10.0
MOST_PLACES = 1000  # counted at once; forgotten all together past that

_FORMAT = "{time:YYYY-MM-DD HH:mm:ss.SSS} | {level: <8} | {name}:{function}:{line} - {message}"


@dataclass(slots=True)
class _Window:
    began: float
    written: int = 0
    left_out: int = 0


class FloodGuard:
    """Lets each place in the code write MOST_LINES lines in WINDOW seconds, and counts the rest."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[tuple[Any, ...], _Window] = {}
        self._lock = threading.Lock()  # libraries log in threads of theirs

    def admit(self, place: tuple[Any, ...]) -> bool:
        """Whether a line of this place is written; counted if it is not."""
        with self._lock:
            if place not in self._windows:
                if len(self._windows) >= MOST_PLACES:
                    self._windows.clear()
                self._windows[place] = _Window(self._clock())
            window = self._windows[place]
            if window.written < MOST_LINES:
                window.written += 1
                return True
            window.left_out += 1
            return False

    def left_out(self, *, last: bool = False) -> list[tuple[tuple[Any, ...], int]]:
        """The places whose window is over, or all at `last`, each with how many of its lines were left out."""
        with self._lock:
            now = self._clock()
            over = [place for place, window in self._windows.items() if last or now - window.began >= WINDOW]
            ended = [(place, self._windows.pop(place).left_out) for place in over]
        return [(place, count) for place, count in ended if count]


class Sink:
    """A sink of loguru's that writes to a stream. Warnings come in floods; who asks for lower levels gets all of it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._flood = FloodGuard()

    def write(self, message: Any) -> None:
        """Write a line, unless its place has written too many."""
        record = message.record
        self._count()
        if record["level"].no < logging.WARNING or self._flood.admit((record["name"], record["line"])):
            self._print(str(message))

    def stop(self) -> None:
        """The process ends, or logs elsewhere from now on."""
        self._count(last=True)

    def _count(self, *, last: bool = False) -> None:
        for (module, line), count in self._flood.left_out(last=last):
            self._print(f"{count:,} more lines of {module}:{line} were left out.\n")

    def _print(self, text: str) -> None:
        self._stream.write(visible(SECRETS.masked(text)))
        self._stream.flush()


def _indent(record: Any) -> None:
    """No line of a message looks as if it were the log's own."""
    record["message"] = record["message"].replace("\n", "\n    ")


class _Handed(logging.Handler):
    """Hands what is logged by `logging` to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno

        def named(values: Any) -> None:
            values.update(name=record.name, function=record.funcName, line=record.lineno)
            _indent(values)

        logger.patch(named).opt(exception=record.exc_info).log(level, "{}", record.getMessage())


def log_to(stream: TextIO | None = None, level: str = "WARNING") -> None:
    """Log from this level on to a stream, the error stream by default, and nowhere else."""
    logger.remove()
    # `diagnose` would print the values of variables beside a traceback: keys, passwords, what a candidate said.
    sink = Sink(stream or sys.stderr)
    logger.add(sink, level=level, format=_FORMAT, colorize=False, backtrace=False, diagnose=False)
    logger.configure(patcher=_indent)
    root = logging.getLogger()
    # DBOS writes to a console of its own unless its logger has a handler.
    for library in (root, logging.getLogger("dbos")):
        library.handlers = [handler for handler in library.handlers if not isinstance(handler, _Handed)]
        library.addHandler(_Handed())
    logging.getLogger("dbos").propagate = False
    root.setLevel(level)
    if threading.excepthook is threading.__excepthook__:  # not where tests have one of their own
        threading.excepthook = _failed_thread


def _failed_thread(args: threading.ExceptHookArgs) -> None:
    failure = (args.exc_type, args.exc_value, args.exc_traceback)
    logger.opt(exception=failure).error("A thread failed: {}", args.thread.name if args.thread else "")  # pyright: ignore
