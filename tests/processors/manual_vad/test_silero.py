"""The voice detector, and the silences for which its model does not run."""

import numpy as np
import psutil

from processors.manual_vad.silero import RATE, WINDOW, SileroDetector
from support.clips import ANSWERS


class CountedVoice(SileroDetector):
    """Counts the windows that the model ran on."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0
        model = self._model

        def counted(*args: object) -> object:
            self.runs += 1
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


def test_the_model_soon_stops_running_on_a_silent_microphone() -> None:
    voice = CountedVoice()
    assert not any(marks(voice, bytes(10 * RATE * 2)))
    assert voice.runs * WINDOW / RATE < 0.7


def test_the_model_runs_on_all_of_an_audible_room() -> None:
    voice, room = CountedVoice(), noise(3.0, 100)
    marks(voice, room)
    assert voice.runs == len(windows(room))


def test_speech_after_a_silence_is_marked_as_if_the_model_had_run_on_all_of_it() -> None:
    gap, speech = noise(3.0, 2), ANSWERS[1].pcm
    weighed = SileroDetector()
    weighed._still_windows = -(10**9)  # never long enough
    whole = marks(weighed, gap + speech)
    spared = CountedVoice()
    assert sum(a != b for a, b in zip(whole, marks(spared, gap + speech), strict=True)) <= 0.02 * sum(whole)
    assert spared.runs < 0.8 * len(whole)


def test_all_calls_of_a_process_share_one_model_and_none_has_a_thread_of_its_own() -> None:
    first = SileroDetector()
    first.confidence(ANSWERS[0].pcm[:3200], in_turn=False)
    threads = psutil.Process().num_threads()
    voices = [SileroDetector() for _ in range(50)]
    for voice in voices:
        voice.confidence(ANSWERS[0].pcm[:3200], in_turn=False)
    assert psutil.Process().num_threads() == threads
    assert {id(voice._model.session) for voice in voices} == {id(first._model.session)}


def test_the_audio_of_one_call_does_not_affect_another() -> None:
    one, other, apart = SileroDetector(), SileroDetector(), SileroDetector()
    for mine, theirs in zip(windows(ANSWERS[0].pcm)[:100], windows(ANSWERS[1].pcm)[:100], strict=True):
        likely = one.confidence(mine, in_turn=False)
        other.confidence(theirs, in_turn=False)
        assert likely == apart.confidence(mine, in_turn=False)
