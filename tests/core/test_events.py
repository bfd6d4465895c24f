"""What is written to the record reads back as the same event."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import KINDS, CallEnded, Event, ScoreGiven, as_record, from_record, renamed
from core.events.base import RENAMED
from support.former_events import FORMER

json_names = st.text(max_size=8)
plain = st.one_of(st.booleans(), st.integers(), st.text(max_size=20))
st.register_type_strategy(dict, st.dictionaries(json_names, plain, max_size=3))


@given(st.one_of([st.builds(kind) for kind in KINDS.values()]))
def test_an_event_survives_the_record(event: Event) -> None:
    kind, data = as_record(event)
    written = json.dumps(data)
    assert json.dumps(as_record(from_record(kind, json.loads(written)))) == json.dumps([kind, data])


def test_an_event_of_another_version_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="unknown event kind 'Sneezed'"):
        from_record("Sneezed", {"at": 1.0})
    with pytest.raises(ValueError, match=r"ScoreGiven: unknown fields \['colour'\]"):
        from_record("ScoreGiven", {"at": 1.0, "criterion": "x", "value": 1, "source": "call", "colour": "red"})


def test_missing_optional_fields_take_their_defaults() -> None:
    assert from_record("ScoreGiven", {"at": 1.0, "criterion": "x", "value": 6.5, "source": "call"}) == ScoreGiven(
        1.0, "x", 6.5, "call"
    )


@pytest.mark.parametrize(("kind", "data", "event"), FORMER, ids=lambda value: value if isinstance(value, str) else "")
def test_a_former_kind_is_read_under_its_name_of_today(kind: str, data: dict[str, Any], event: Event) -> None:
    assert from_record(kind, data) == event
    (name, fields), (name_now, fields_now) = renamed(kind, data), as_record(event)
    assert name == name_now and fields.items() <= fields_now.items()
    assert list(fields) == [one for one in fields_now if one in fields], (
        "the order of the fields stays; others are newer"
    )


def test_every_former_name_is_tried_and_leads_to_a_kind_of_today() -> None:
    assert set(RENAMED) == {kind for kind, _, _ in FORMER}
    assert {rename.kind for rename in RENAMED.values()} <= set(KINDS)
    assert {key for key in RENAMED if key in KINDS} == {key for key, rename in RENAMED.items() if key == rename.kind}


@given(st.one_of([st.builds(kind) for kind in KINDS.values()]))
def test_an_event_of_today_is_not_renamed(event: Event) -> None:
    if event != CallEnded(event.at, "link given up", getattr(event, "detail", "")):
        assert renamed(*as_record(event)) == as_record(event)


async def test_an_hour_passes_at_once() -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    before = loop.time()
    await asyncio.sleep(3600)
    assert loop.time() - before == pytest.approx(3600)
