"""The voice detector, and the silences it need not weigh."""

import numpy as np
import psutil
import pytest

from core.audio import pcm
from processors.manual_vad.silero import RATE, WINDOW, SileroDetector, level
from support.clips import ANSWERS


class CountedVoice(SileroDetector):
    """Counts the windows that the model was asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        model = self._model

        def counted(*args: object) -> object:
            self.asked += 1
            return model(*args)  # pyright: ignore

        counted.reset_states = model.reset_states
        self._model = counted  # pyright: ignore


def windows(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + 2 * WINDOW] for at in range(0, len(pcm) - 2 * WINDOW + 1, 2 * WINDOW)]


def marks(voice: SileroDetector, pcm: bytes) -> list[bool]:
    return [voice.confidence(window, in_turn=False) >= 0.5 for window in windows(pcm)]


def noise(seconds: float, level: int) -> bytes:
    dice = np.random.default_rng(0)
    return dice.integers(-level, level + 1, round(seconds * RATE)).astype(np.int16).tobytes()


def test_a_microphone_that_gives_nothing_is_soon_not_weighed_any_more() -> None:
    voice = CountedVoice()
    assert not any(marks(voice, bytes(10 * RATE * 2)))
    assert voice.asked * WINDOW / RATE < 0.7


def test_a_room_that_can_be_heard_always_is() -> None:
    voice, room = CountedVoice(), noise(3.0, 100)
    marks(voice, room)
    assert voice.asked == len(windows(room))


def test_speech_after_a_silence_is_marked_as_if_all_of_it_had_been_weighed() -> None:
    gap, speech = noise(3.0, 2), ANSWERS[1].pcm
    weighed = SileroDetector()
    weighed._still_windows = -(10**9)  # never long enough
    whole = marks(weighed, gap + speech)
    spared = CountedVoice()
    assert sum(a != b for a, b in zip(whole, marks(spared, gap + speech), strict=True)) <= 0.02 * sum(whole)
    assert spared.asked < 0.8 * len(whole)


def test_all_calls_of_a_process_share_one_model_and_none_has_a_thread_of_its_own() -> None:
    first = SileroDetector()
    first.confidence(ANSWERS[0].pcm[:3200], in_turn=False)
    threads = psutil.Process().num_threads()
    voices = [SileroDetector() for _ in range(50)]
    for voice in voices:
        voice.confidence(ANSWERS[0].pcm[:3200], in_turn=False)
    assert psutil.Process().num_threads() == threads
    assert {id(voice._model.session) for voice in voices} == {id(first._model.session)}


def test_what_one_caller_says_leaves_no_trace_in_another_call() -> None:
    one, other, apart = SileroDetector(), SileroDetector(), SileroDetector()
    for mine, theirs in zip(windows(ANSWERS[0].pcm)[:100], windows(ANSWERS[1].pcm)[:100], strict=True):
        likely = one.confidence(mine, in_turn=False)
        other.confidence(theirs, in_turn=False)
        assert likely == apart.confidence(mine, in_turn=False)


@pytest.mark.parametrize("audio", [b"", bytes(1024), ANSWERS[0].pcm[:1024], b"\x00\x80" * 512])
def test_a_level_is_what_core_says_it_is(audio: bytes) -> None:
    assert level(audio) == pytest.approx(pcm.level(audio), rel=1e-5)
