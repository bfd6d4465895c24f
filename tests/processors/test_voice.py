"""The voice detector, and the silences it need not weigh."""

import numpy as np
from support.clips import ANSWERS

from processors.voice import RATE, WINDOW, Voice


class CountedVoice(Voice):
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


def marks(voice: Voice, pcm: bytes) -> list[bool]:
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
    weighed = Voice()
    weighed._still_windows = -(10**9)  # never long enough
    whole = marks(weighed, gap + speech)
    spared = CountedVoice()
    assert sum(a != b for a, b in zip(whole, marks(spared, gap + speech), strict=True)) <= 0.02 * sum(whole)
    assert spared.asked < 0.8 * len(whole)
