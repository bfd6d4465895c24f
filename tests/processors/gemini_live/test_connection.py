"""What goes out together: speech in messages of a useful size, in front of whatever follows it."""

from google import genai

from core.models import facts
from core.service import Audio, EndActivity, Outgoing, StartActivity
from processors.gemini_live.connection import Connection

MODEL = "gemini-3.8-live"
FRAME = bytes(range(256)) * 4  # 32 ms at 16 kHz


def sent(*calls: tuple[Outgoing, ...], chunk: float = 0.08) -> list[Outgoing]:
    """What is queued after these calls of `send`."""
    connection = Connection(genai.Client(api_key="none"), MODEL, facts(MODEL), chunk)
    for items in calls:
        connection.send(*items)
    return [item for items in connection._outbox for item in items]  # pyright: ignore


def speech(frames: int) -> list[tuple[Outgoing, ...]]:
    return [(Audio(FRAME, 16_000),)] * frames


def test_speech_goes_out_in_messages_of_at_least_the_chunk() -> None:
    assert sent(*speech(6)) == [Audio(FRAME * 3, 16_000)] * 2


def test_the_end_of_a_turn_waits_for_no_more_speech_and_overtakes_none() -> None:
    assert sent((StartActivity(),), *speech(4), (EndActivity(),)) == [
        StartActivity(),
        Audio(FRAME * 3, 16_000),
        Audio(FRAME, 16_000),
        EndActivity(),
    ]


def test_a_flush_stays_between_the_speech_before_and_after_it() -> None:
    flush = (EndActivity(), StartActivity())
    assert sent(*speech(1), flush, *speech(3)) == [Audio(FRAME, 16_000), *flush, Audio(FRAME * 3, 16_000)]


def test_speech_of_two_rates_is_not_mixed() -> None:
    assert sent((Audio(FRAME, 8_000),), *speech(3)) == [Audio(FRAME, 8_000), Audio(FRAME * 3, 16_000)]
