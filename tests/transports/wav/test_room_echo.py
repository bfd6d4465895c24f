"""What is played comes back in the caller's microphone: later, quieter, once."""

import numpy as np
import pytest

from transports.wav.room_echo import Room, WavEcho

PIECE = 0.02


def microphone(room: Room, rate: int, seconds: float, played: np.ndarray, began: float = 0.5) -> np.ndarray:
    """A silent caller's microphone while this is played (24 kHz) from `began` on, in pieces of 20 ms."""
    mixed: list[bytes] = []
    for n in range(round(seconds / PIECE)):
        at = n * PIECE
        first = round((at - began) * 24000)
        if 0 <= first < len(played):
            room.play(played[first : first + 480].tobytes(), at)
        mixed.append(room.mix(bytes(2 * round(rate * PIECE)), at))
    return np.frombuffer(b"".join(mixed), np.int16).astype(float)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_what_is_played_comes_back_after_the_delay_and_weaker_by_the_gain(rate: int) -> None:
    time = np.arange(24000) / 24000
    played = (np.sin(2 * np.pi * 440 * time) * 8000).astype(np.int16)
    echo = microphone(Room(WavEcho(gain=-12, delay=0.3), rate, 24000), rate, 3.0, played)
    loud = np.flatnonzero(np.abs(echo) > 400)
    assert loud[0] / rate == pytest.approx(0.8, abs=0.03)
    assert loud[-1] / rate == pytest.approx(1.8, abs=0.05)
    middle = echo[int(1.0 * rate) : int(1.5 * rate)]
    assert middle.std() == pytest.approx(played.std() * 10 ** (-12 / 20), rel=0.05)


def test_the_callers_own_voice_stays() -> None:
    room = Room(WavEcho(), 8000, 24000)
    own = (np.arange(160) * 10).astype(np.int16).tobytes()
    assert room.mix(own, 0.0) == own
