"""Events in a file are found again, whoever writes, reads or dies meanwhile."""

import json
import stat
import threading
from pathlib import Path

import pytest

from pipeline.record.models import LoggedEvent
from pipeline.record.spill import SpillFile, spill_folder, waiting
from support.former_events import FORMER, as_stored
from support.record import said


def event(seq: int) -> LoggedEvent:
    return LoggedEvent.of(seq, said(f"word {seq} ü"))


def taken(folder: Path) -> dict[str, list[int]]:
    """The places of all spilled events by session; their files are deleted."""
    found: dict[str, list[int]] = {}
    for claimed in waiting(folder):
        events, unreadable = claimed.read()
        assert unreadable == 0
        for session, there in events.items():
            found.setdefault(session, []).extend(event.seq for event in there)
        claimed.remove()
    return {session: sorted(places) for session, places in found.items()}


def test_what_was_added_is_found_with_its_session(tmp_path: Path) -> None:
    folder = tmp_path / "spill"
    assert taken(folder) == {}
    one, other = SpillFile(folder, "s1"), SpillFile(folder, "../../s 2")
    one.add([event(1), event(2)])
    other.add([event(1)])
    one.add([event(3)])
    assert other.path.parent == folder
    claimed = one.claim()
    assert claimed is not None and claimed.read() == ({"s1": [event(1), event(2), event(3)]}, 0)
    assert one.claim() is None
    one.add([event(4)])
    assert taken(folder) == {"s1": [1, 2, 3, 4], "../../s 2": [1]}
    assert list(folder.iterdir()) == []


def test_a_claim_whose_owner_died_is_found_again(tmp_path: Path) -> None:
    spill = SpillFile(tmp_path, "s1")
    spill.add([event(1)])
    assert spill.claim() is not None
    assert taken(tmp_path) == {"s1": [1]}


def test_who_comes_second_finds_nothing_to_read(tmp_path: Path) -> None:
    SpillFile(tmp_path, "s1").add([event(1)])
    first, second = waiting(tmp_path), waiting(tmp_path)
    first[0].remove()
    assert second[0].read() == ({}, 0)
    second[0].remove()


def test_what_was_refused_is_left_alone(tmp_path: Path) -> None:
    SpillFile(tmp_path, "s1").add([event(1)])
    refused = waiting(tmp_path)[0].refuse()
    assert taken(tmp_path) == {} and json.loads(refused.read_text())["seq"] == 1


NO_EVENTS = ["{", "[]", "null", '{"session": "s1"}', '{"session": "s1", "seq": "x", "kind": "", "data": {}}']


@pytest.mark.parametrize("line", NO_EVENTS)
def test_a_line_that_is_no_event_is_counted(line: str, tmp_path: Path) -> None:
    spill = SpillFile(tmp_path, "s1")
    spill.add([event(1)])
    with spill.path.open("a") as file:
        file.write(line)
    assert waiting(tmp_path)[0].read() == ({"s1": [event(1)]}, 1)


def test_events_under_former_names_are_read_under_those_of_today(tmp_path: Path) -> None:
    spill = SpillFile(tmp_path, "s1")
    spill.add([LoggedEvent(seq, data["at"], kind, data) for seq, (kind, data, _) in enumerate(FORMER, 1)])
    today = [LoggedEvent(seq, event.at, *as_stored(event)) for seq, (_, _, event) in enumerate(FORMER, 1)]
    assert waiting(tmp_path)[0].read() == ({"s1": today}, 0)


def test_nothing_is_lost_between_those_who_add_and_those_who_take(tmp_path: Path) -> None:
    spill = SpillFile(tmp_path, "s1")
    found: list[int] = []

    def add(start: int) -> None:
        for seq in range(start, start + 100):
            spill.add([event(seq)])

    writers = [threading.Thread(target=add, args=(start,)) for start in (0, 100)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        found += taken(tmp_path).get("s1", [])
    found += taken(tmp_path).get("s1", [])
    assert sorted(found) == list(range(200))


def test_only_we_may_read_what_waits(tmp_path: Path) -> None:
    spill = SpillFile(tmp_path / "spill", "s1")
    spill.add([event(1)])
    for path in (spill.path, spill.path.parent):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_a_folder_that_someone_else_made_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 4711)
    with pytest.raises(PermissionError, match="belongs to someone else"):
        SpillFile(tmp_path, "s1").add([event(1)])


def test_each_database_has_a_folder_of_its_own(tmp_path: Path) -> None:
    assert spill_folder(tmp_path / "x.db", "x") == tmp_path / "x.db-spill"
    one, other = (spill_folder(None, place) for place in ("PostgreSQL at a/b", "PostgreSQL at a/c"))
    assert one != other
