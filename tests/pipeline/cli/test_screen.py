"""Whatever an event or a record holds, the terminal of `call` and `serve` is not steered by it."""

import io
import unicodedata
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from rich.console import Console

from core.events import CallEnded, ScoreGiven, UtteranceSpoken, kinds
from pipeline.cli.screen import Log, Screen
from pipeline.record.store import Store
from support.record import numbered, opening

HOSTILE = "a\x1b[2J\x1b]0;owned\x07b\x9b31mc\u202ed\r[red]e\x7f\x08\n\u2028f"
STEERS = set("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def hostile(kind: type[Any]) -> Any:
    """An event of this kind with such a text wherever it holds one."""
    hints = get_type_hints(kind)
    return kind(**{one.name: value(hints[one.name]) for one in fields(kind)})


def value(hint: Any) -> Any:
    options = getattr(hint, "__args__", (hint,))
    if hint is str or str in options:
        return HOSTILE
    simple = {float: 9.0, int: 3, bool: False}
    return next((simple[one] for one in options if one in simple), "caller" if "caller" in options else ())


def steering(text: str) -> list[str]:
    return [char for char in text if char in STEERS or (unicodedata.category(char) == "Cc" and char != "\n")]


@pytest.mark.parametrize("kind", kinds())
def test_no_event_steers_the_terminal(kind: str) -> None:
    printed = io.StringIO()
    event = hostile(kinds()[kind])
    Screen(Console(file=printed, highlight=False, soft_wrap=True)).show(event)
    Log(Console(file=printed, highlight=False, soft_wrap=True)).show(HOSTILE, event)
    assert steering(printed.getvalue()) == []


def test_the_words_of_an_utterance_are_shown_without_what_steers() -> None:
    printed = io.StringIO()
    Screen(Console(file=printed, highlight=False)).show(UtteranceSpoken(1.0, "caller", HOSTILE, 0.0, 1.0))
    assert printed.getvalue() == "00:00  Candidate  a[2J]0;ownedb31mcd [red]e f\n"


@pytest.mark.real_time  # a database
async def test_the_summary_of_a_call_does_not_steer_the_terminal(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/sessions.db")
    await store.open_session(opening("one"))
    events = [ScoreGiven(1.0, HOSTILE, 7.0, "call", HOSTILE), CallEnded(2.0, HOSTILE, HOSTILE)]
    await store.append("one", numbered(events))
    record = await store.session("one")
    await store.close()
    printed = io.StringIO()
    Screen(Console(file=printed, highlight=False, soft_wrap=True)).summary(record, f"sqlite:///{HOSTILE}.db")
    assert "Ended" in printed.getvalue() and steering(printed.getvalue()) == []
