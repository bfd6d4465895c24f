"""Facts that the database would not take, kept as JSON lines until it does."""

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

from pipeline.record.models import LoggedEvent

try:
    import fcntl
except ImportError:  # Windows: two processes on one spill file are then not kept apart
    fcntl = None

_SUFFIX = ".jsonl"
_CLAIMED = ".claimed"


def spill_folder(file: Path | None, place: str) -> Path:
    """Where the facts of a database wait: beside its file, or in the temporary folder for one that has none."""
    if file is not None:
        return file.with_name(file.name + "-spill")
    name = sha256(place.encode()).hexdigest()[:12]
    user = os.getuid() if hasattr(os, "getuid") else 0
    return Path(tempfile.gettempdir()) / f"colloquy-spill-{user}-{name}"


class SpillFile:
    """The facts of one session that wait. Every call opens and closes the file, so nothing is held but its name."""

    def __init__(self, folder: Path, session_id: str) -> None:
        self._session_id = session_id
        name = re.sub(r"[^\w-]", "_", session_id)[:80]
        self.path = folder / f"{name}-{uuid4().hex[:8]}{_SUFFIX}"

    def add(self, events: Iterable[LoggedEvent]) -> None:
        """Append the facts and see them to the disk. Raises OSError if that cannot be."""
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
        """Take what waits out of reach of everyone else; None when nothing does."""
        return _claim(self.path)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A file of facts that someone has begun to write into the database."""

    path: Path

    def read(self) -> tuple[dict[str, list[LoggedEvent]], int]:
        """The facts by session, and how many lines could not be read (a process may die in the middle of one)."""
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
        except FileNotFoundError:  # someone else has claimed it too, and was faster
            return []

    def remove(self) -> None:
        """Forget the file: all of it is in the database."""
        self.path.unlink(missing_ok=True)

    def refuse(self) -> Path:
        """Set the file aside for a person to look at; it is not tried again. Returns its new name."""
        aside = self.path.with_name(self.path.name.removesuffix(_CLAIMED) + ".refused")
        self.path.replace(aside)
        return aside


def waiting(folder: Path) -> Sequence[Claimed]:
    """Every file of the folder, claimed; those whose claimer died or failed among them."""
    if not folder.is_dir():
        return []
    for path in folder.glob(f"*{_SUFFIX}"):
        _claim(path)
    return [Claimed(path) for path in sorted(folder.glob(f"*{_CLAIMED}"))]


def _claim(path: Path) -> Claimed | None:
    if not path.exists():
        return None
    claimed = path.with_name(f"{path.name}.{uuid4().hex[:8]}{_CLAIMED}")
    # The lock waits for whoever is writing a line; who comes later finds another file under the name.
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
    # The temporary folder is everybody's: someone may have made ours before us, to read along.
    if hasattr(os, "getuid") and folder.lstat().st_uid != os.getuid():
        raise PermissionError(f"the folder {folder} belongs to someone else")


def _parse(line: str) -> tuple[str, LoggedEvent]:
    value: dict[str, Any] = json.loads(line)
    data: dict[str, Any] = value["data"]
    event = LoggedEvent(int(value["seq"]), float(data.get("at") or 0.0), str(value["kind"]), data)
    return str(value["session"]), event
