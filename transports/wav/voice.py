"""Where somebody speaks in a recording: by Silero's model, as in a call."""

import numpy as np
from pipecat.audio.vad.silero import SileroVADAnalyzer

RATE = 16000
WINDOW = 512  # samples in one inference of the model
START, STOP = 0.5, 0.35  # likelihoods from which voice begins, and below which it ends
SHORTEST = 0.1  # seconds; a click or a cough is shorter than a word


def voiced(audio: bytes) -> list[tuple[float, float]]:
    """Begin and end in seconds of each stretch of voice in 16 kHz mono PCM."""
    detector = SileroVADAnalyzer(sample_rate=RATE)
    detector.set_sample_rate(RATE)
    spans: list[tuple[float, float]] = []
    began: float | None = None
    samples = np.frombuffer(audio, np.int16)
    # Half a second of silence after the end lets the last word end.
    samples = np.concatenate((samples, np.zeros(RATE // 2, np.int16)))
    for at in range(0, len(samples) - WINDOW + 1, WINDOW):
        likelihood = np.asarray(detector.voice_confidence(samples[at : at + WINDOW].tobytes())).item()
        if began is None and likelihood >= START:
            began = at / RATE
        elif began is not None and likelihood < STOP:
            if at / RATE - began >= SHORTEST:
                spans.append((began, at / RATE))
            began = None
    return spans
