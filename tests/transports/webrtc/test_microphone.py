"""One channel out of however many were decoded."""

import numpy as np
import pytest
from av import AudioFrame

from transports.webrtc.microphone import mono


def frame(*channels: list[int]) -> AudioFrame:
    layout = {1: "mono", 2: "stereo", 3: "2.1"}[len(channels)]
    interleaved = np.array(channels, np.int16).T.reshape(1, -1)
    made = AudioFrame.from_ndarray(interleaved, format="s16", layout=layout)
    made.sample_rate = 48_000
    return made


@pytest.mark.parametrize(
    ("channels", "mixed"),
    [
        ([[1, -2, 32767, -32768]], [1, -2, 32767, -32768]),
        ([[1, -2, 32767, -32768], [1, -2, 32767, -32768]], [1, -2, 32767, -32768]),
        ([[100, 0, -32768, 32767], [0, -100, -32768, -32767]], [50, -50, -32768, 0]),
        ([[300, -300], [0, 0], [0, 0]], [100, -100]),
    ],
    ids=["mono", "the same twice", "two voices", "three"],
)
def test_every_channel_counts_and_none_counts_more(channels: list[list[int]], mixed: list[int]) -> None:
    assert np.frombuffer(mono(frame(*channels)), np.int16).tolist() == mixed
