"""What is written to the log reads back as the same fact."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import KINDS, Event, ScoreGiven, as_record, from_record

json_names = st.text(max_size=8)
plain = st.one_of(st.booleans(), st.integers(), st.text(max_size=20))
st.register_type_strategy(dict, st.dictionaries(json_names, plain, max_size=3))


@given(st.one_of([st.builds(kind) for kind in KINDS.values()]))
def test_a_fact_survives_the_log(event: Event) -> None:
    kind, data = as_record(event)
    written = json.dumps(data)
    assert json.dumps(as_record(from_record(kind, json.loads(written)))) == json.dumps([kind, data])


def test_a_fact_of_another_version_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="unknown event kind 'Sneezed'"):
        from_record("Sneezed", {"at": 1.0})
    with pytest.raises(ValueError, match=r"ScoreGiven: unknown fields \['colour'\]"):
        from_record("ScoreGiven", {"at": 1.0, "criterion": "x", "value": 1, "source": "call", "colour": "red"})


def test_missing_optional_fields_take_their_defaults() -> None:
    assert from_record("ScoreGiven", {"at": 1.0, "criterion": "x", "value": 6.5, "source": "call"}) == ScoreGiven(
        1.0, "x", 6.5, "call"
    )


async def test_an_hour_passes_at_once() -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    before = loop.time()
    await asyncio.sleep(3600)
    assert loop.time() - before == pytest.approx(3600)
