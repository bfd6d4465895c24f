"""Words of an utterance that is not finished are put on record soon, and not over and over."""

from hypothesis import given
from hypothesis import strategies as st

from core.events import Speaker, TranscriptCheckpointed
from core.transcript.checkpoint import AFTER, CheckpointTimer


def caller(text: str, started: float = 0.0, ended: float = 9.0) -> tuple[Speaker, str, float, float]:
    return ("caller", text, started, ended)


def test_words_are_kept_a_second_after_they_came() -> None:
    keeping = CheckpointTimer()
    assert keeping.deadline() is None and keeping.tick([caller("I live")], 10.0) == []
    keeping.came(started=9.5, now=10.0)
    assert keeping.deadline() == 11.0
    assert keeping.tick([caller("I live")], 10.9) == []
    assert keeping.tick([caller("I live in", 9.5)], 11.0) == [
        TranscriptCheckpointed(11.0, "caller", "I live in", 9.5, 9.0)
    ]
    assert keeping.deadline() is None


def test_what_has_not_changed_is_not_kept_again() -> None:
    keeping = CheckpointTimer()
    for now, both, kept in (
        (1.0, [caller("Well")], ["Well"]),
        (2.0, [caller("Well"), ("examiner", "Six", 1.5, 2.0)], ["Six"]),
        (3.0, [caller("Well", started=2.5), ("examiner", "Six", 1.5, 2.0)], ["Well"]),
        (4.0, [], []),
    ):
        keeping.came(now, now)
        assert [fact.text for fact in keeping.tick(both, now + AFTER)] == kept


@given(st.floats(1, 600))
def test_a_long_answer_is_kept_in_some_times_its_length(seconds: float) -> None:
    keeping, now, kept, said = CheckpointTimer(), 0.0, 0, ""
    while now < seconds:
        said += "word "
        now += 0.4
        keeping.came(0.0, now)
        kept += sum(len(fact.text) for fact in keeping.tick([caller(said)], now))
    assert kept <= 13 * len(said)
