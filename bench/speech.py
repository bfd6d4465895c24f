"""The speech of the bench's callers, as Opus packets encoded before anything is measured."""

import wave
from pathlib import Path

import numpy as np
from av import AudioFrame, CodecContext
from av.audio.codeccontext import AudioCodecContext

PACKET = 0.02
RATE = 48_000

# "Closest large town is Moncton, New Brunswick", cut where the voice begins and ends. There is no long pause in it, and
# the smart-turn model of the stock pipeline is sure that it is finished (0.98), so that nobody waits for more.
RECORDING = Path(__file__).parent.parent / "tests" / "data" / "answer-2.wav"
FROM, TO = 5.28, 8.22


def utterance() -> list[bytes]:
    """The packets of one answer."""
    with wave.open(str(RECORDING)) as file:
        rate = file.getframerate()
        file.setpos(round(FROM * rate))
        samples = np.frombuffer(file.readframes(round((TO - FROM) * rate)), np.int16)
    encoder = _encoder(rate)
    size = round(PACKET * rate)
    return [_encode(encoder, rate, samples[at : at + size]) for at in range(0, len(samples) - size + 1, size)]


def silence() -> bytes:
    """A packet of silence; any number of them in a row decodes to silence."""
    rate = 16_000
    encoder = _encoder(rate)
    return [_encode(encoder, rate, np.zeros(round(PACKET * rate), np.int16)) for _ in range(10)][-1]


def _encoder(rate: int) -> AudioCodecContext:
    encoder = CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate = rate
    encoder.layout = "mono"
    encoder.format = "s16"
    encoder.bit_rate = 32_000  # as a browser's microphone
    encoder.options = {"application": "voip", "frame_duration": "20"}
    encoder.open()
    return encoder


def _encode(encoder: AudioCodecContext, rate: int, samples: np.ndarray) -> bytes:
    frame = AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
    frame.sample_rate = rate
    return b"".join(bytes(packet) for packet in encoder.encode(frame))
