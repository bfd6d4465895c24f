"""The record on the command line: found by a few letters, shown, exported; every refusal is one sentence."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.events import Event, ModelLate, ProblemSeen, VerdictGiven
from core.scoring import Stated, decide
from pipeline.cli.sessions import command
from pipeline.record.store import Store
from support.record import EXAM, OPENED_AT, numbered, opening, said
from support.score_cases import rubric

pytestmark = pytest.mark.real_time


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLLOQUY_DATABASE", raising=False)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(command, arguments, env=environment)


def output(*arguments: str) -> str:
    """What a command prints that succeeds."""
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def refusal(*arguments: str) -> str:
    """The one sentence of a command that fails."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").strip()


def keep(*sessions: tuple[str, str, Sequence[Event]], database: str = "sqlite:///sessions.db") -> None:
    """Put sessions on record, each a minute after the one before."""

    async def kept() -> None:
        store = await Store.open(database)
        for minute, (session_id, arm, events) in enumerate(sessions):
            opened_at = OPENED_AT + timedelta(minutes=minute)
            await store.open_session(opening(session_id, arm=arm, opened_at=opened_at))
            await store.append(session_id, numbered(events))
        await store.close()

    asyncio.run(kept())


def test_sessions_are_listed_newest_first() -> None:
    keep(("aa1", "timer", EXAM), ("ab2", "pause", [said("Hello")]))
    lines = output("list").splitlines()
    assert lines[0].split() == ["id", "opened", "(UTC)", "length", "ended", "transport", "arm", "scores", "cost"]
    assert lines[1].split() == ["ab2", "2026-03-04", "10:31", "open", "wav", "pause", "none"]
    assert lines[2].split() == (
        ["aa1", "2026-03-04", "10:30", "00:10", "completed", "wav", "timer", "partial", "USD", "0.0010"]
    )


def test_a_list_can_be_cut_and_sifted() -> None:
    keep(("aa1", "timer", EXAM), ("ab2", "pause", EXAM), ("ac3", "pause", []))

    def ids(*arguments: str) -> list[str]:
        return [each["id"] for each in json.loads(output("list", "--json", *arguments))]

    assert ids() == ["ac3", "ab2", "aa1"]
    assert ids("--limit", "1") == ["ac3"]
    assert ids("--arm", "pause") == ["ac3", "ab2"]
    assert ids("--arm", "pause", "--state", "closed") == ["ab2"]
    assert ids("--arm", "none of them") == []
    assert output("list", "--arm", "none of them") == "No sessions.\n"


def test_a_session_is_shown_by_its_first_letters() -> None:
    keep(("abc-1", "timer", EXAM), ("abd-2", "pause", EXAM))
    shown = output("show", "abc")
    for part in ("abc-1", "completed", "USD 0.0010, 30 tokens", "00:10 long"):
        assert part in shown
    assert "00:03 Caller: My name is Anna.\n" in shown
    assert [line.split() for line in shown.splitlines() if line.startswith("fluency")] == [
        ["fluency", "6.5", "call", '{"fluency":', "6.5}"]
    ]


def test_a_session_is_shown_with_what_happened_in_it() -> None:
    keep(
        (
            "abc-1",
            "timer",
            [*EXAM[:-1], ModelLate(8.0, "nudge"), ProblemSeen(9.0, "scoring", "\x1b[2Jno answer"), EXAM[-1]],
        )
    )
    shown = output("show", "abc")
    assert "00:06 lost (code 1011, reason Internal error encountered., action resume)\n" in shown
    assert "00:08 the model is late (action nudge)\n" in shown
    assert "00:09 problem (where scoring, what [2Jno answer)\n" in shown


def test_a_session_is_shown_with_its_verdict() -> None:
    readings = [Stated(name, 6, source, "six", 9.0) for name in rubric().names for source in ("call", "speech")]
    verdict = decide(rubric(), readings)
    keep(("abc-1", "timer", [*EXAM[:-1], VerdictGiven(9.0, verdict.status, verdict.as_record()), EXAM[-1]]))
    shown = output("show", "abc")
    assert "verdict complete, every criterion has a value\n" in shown
    assert "Pronunciation: the readings agree (call 6, speech 6)\n" in shown


def test_an_id_that_begins_another_is_itself() -> None:
    keep(("ab", "timer", EXAM), ("abc", "pause", EXAM))
    assert json.loads(output("show", "ab", "--json"))["id"] == "ab"


def test_words_cannot_steer_the_terminal() -> None:
    keep(("s1", "timer", [said("[bold]\x1b[31m\u202ered[/]"), said("\x9b2Jgone", 3.0)]))
    shown = output("show", "s1")
    assert "Caller: [bold][31mred[/]\n" in shown and "\x1b" not in shown and "\x9b" not in shown


@pytest.mark.parametrize(
    ("form", "start"), [("json", '{\n  "schema_version": 2,'), ("md", "# Session s1"), ("vtt", "WEBVTT")]
)
def test_a_session_is_exported_to_the_screen_or_a_file(form: str, start: str, tmp_path: Path) -> None:
    keep(("s1", "timer", [said("Füße")]))
    document = output("export", "s1", "--format", form)
    assert document.startswith(start) and "Füße" in document
    assert output("export", "s1", "--format", form, "--output", "call") == ""
    assert (tmp_path / "call").read_text("utf-8") == document


def test_the_database_is_named_by_option_or_environment() -> None:
    keep(("s1", "timer", []), database="sqlite:///other.db")
    assert json.loads(output("list", "--json", "--database", "sqlite:///other.db"))[0]["id"] == "s1"
    assert json.loads(run("list", "--json", COLLOQUY_DATABASE="sqlite:///other.db").stdout)[0]["id"] == "s1"


def test_an_unknown_id_is_refused_with_near_ones() -> None:
    keep(("exam-anna", "timer", []), ("exam-bert", "timer", []), ("zzz", "timer", []))
    assert refusal("show", "exam-ana") == "There is no session 'exam-ana'. Near it: exam-anna, exam-bert."
    assert refusal("export", "qqq", "--format", "md") == (
        "There is no session 'qqq'. Near it: zzz, exam-bert, exam-anna."
    )


def test_letters_that_fit_more_than_one_are_refused() -> None:
    keep(*((f"a{number}", "timer", []) for number in range(7)))
    assert refusal("show", "a") == "More than one session begins with 'a': a6, a5, a4, a3, a2 and others."


def test_an_empty_record_is_said_to_be_empty() -> None:
    keep()
    assert output("list") == "No sessions.\n"
    assert refusal("show", "s1") == "There is no session 's1'. The database sessions.db holds none at all."


def test_a_missing_database_is_not_made(tmp_path: Path) -> None:
    assert refusal("list") == "There is no database sessions.db: name the right one, or hold a call first."
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_named() -> None:
    keep(("s1", "timer", []))
    assert refusal("export", "s1", "--format", "md", "--output", "no/x.md") == (
        "no/x.md cannot be written: No such file or directory."
    )


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in refusal("list", "--database", "postgresql://anna:s3cret@127.0.0.1:1/x")


@pytest.mark.parametrize("name", ["list", "show", "export"])
def test_every_command_has_help_with_an_example(name: str) -> None:
    assert f"Example: colloquy sessions {name}" in output(name, "--help")
