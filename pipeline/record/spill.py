"""Events that could not be written to the database, as JSON lines in a file until they can."""

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from core.events import renamed
from pipeline.record.models import LoggedEvent

try:
    import fcntl
except ImportError:  # Windows: two processes may then write one spill file at once
    fcntl = None

_SUFFIX = ".jsonl"
_CLAIMED = ".claimed"


def spill_folder(file: Path | None, place: str) -> Path:
    """The folder of a database's spill files: beside its file, else in the temporary folder."""
    if file is not None:
        return file.with_name(file.name + "-spill")
    name = sha256(place.encode()).hexdigest()[:12]
    user = os.getuid() if hasattr(os, "getuid") else 0
    return Path(tempfile.gettempdir()) / f"colloquy-spill-{user}-{name}"


class SpillFile:
    """The spilled events of one session. Every method opens and closes the file, so nothing is held but its name."""

    def __init__(self, folder: Path, session_id: str) -> None:
        self._session_id = session_id
        name = re.sub(r"[^\w-]", "_", session_id)[:80]
        self.path = folder / f"{name}-{uuid4().hex[:8]}{_SUFFIX}"

    def add(self, events: Iterable[LoggedEvent]) -> None:
        """Append the events and flush them to the disk. Raises OSError if that cannot be done."""
        lines = "".join(
            json.dumps({"session": self._session_id, "seq": event.seq, "kind": event.kind, "data": event.data}) + "\n"
            for event in events
        )
        _private_folder(self.path.parent)
        with _locked(self.path) as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def claim(self) -> "Claimed | None":
        """Rename the file, so that nobody else takes it; None when there is none."""
        return _claim(self.path)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A spill file whose events are being written to the database by whoever renamed it."""

    path: Path

    def read(self) -> tuple[dict[str, list[LoggedEvent]], int]:
        """The events by session, and how many lines could not be read (a process may die in the middle of one)."""
        found: dict[str, list[LoggedEvent]] = {}
        unreadable = 0
        for line in self._lines():
            if not line:
                continue
            try:
                session, event = _parse(line)
            except (ValueError, KeyError, TypeError):
                unreadable += 1
            else:
                found.setdefault(session, []).append(event)
        return found, unreadable

    def _lines(self) -> list[str]:
        try:
            return self.path.read_text("utf-8", errors="replace").split("\n")
        except FileNotFoundError:  # somebody else has claimed it too, and was faster
            return []

    def remove(self) -> None:
        """Delete the file: all of it is in the database."""
        self.path.unlink(missing_ok=True)

    def refuse(self) -> Path:
        """Rename the file for a person to look at, so that it is not tried again; its new path."""
        refused = self.path.with_name(self.path.name.removesuffix(_CLAIMED) + ".refused")
        self.path.replace(refused)
        return refused


def waiting(folder: Path) -> Sequence[Claimed]:
    """Every spill file of the folder, claimed; those whose claimer died or failed among them."""
    if not folder.is_dir():
        return []
    for path in folder.glob(f"*{_SUFFIX}"):
        _claim(path)
    return [Claimed(path) for path in sorted(folder.glob(f"*{_CLAIMED}"))]


def _claim(path: Path) -> Claimed | None:
    if not path.exists():
        return None
    claimed = path.with_name(f"{path.name}.{uuid4().hex[:8]}{_CLAIMED}")
    # The lock waits for whoever is writing a line; a later writer makes another file of that name.
    with _locked(path):
        path.rename(claimed)
    return Claimed(claimed)


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    while True:
        with open(path, "a", encoding="utf-8", opener=_private) as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            try:
                same = os.path.samestat(os.fstat(file.fileno()), path.stat())
            except FileNotFoundError:
                same = False
            if same:
                yield file
                return


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    # The temporary folder is everybody's: somebody may have made ours before us, to read along.
    if hasattr(os, "getuid") and folder.lstat().st_uid != os.getuid():
        raise PermissionError(f"the folder {folder} belongs to someone else")


def _parse(line: str) -> tuple[str, LoggedEvent]:
    value: dict[str, Any] = json.loads(line)
    kind, data = renamed(str(value["kind"]), value["data"])
    event = LoggedEvent(int(value["seq"]), float(data.get("at") or 0.0), kind, data)
    return str(value["session"]), event
