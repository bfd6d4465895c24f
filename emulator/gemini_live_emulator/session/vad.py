"""Automatic activity detection, by energy: where the user's turns begin and end."""

from __future__ import annotations

from gemini_live_emulator.session.transcription import BYTES_PER_SECOND, EnergyGate
from gemini_live_emulator.speech import TRANSCRIBER_RATE, resample

PRE_ROLL = 0.5  # seconds sent from before the start was certain


class Detector:
    """Opens a window when somebody speaks and closes it after a silence."""

    def __init__(self, prefix: float, silence: float) -> None:
        self._gate = EnergyGate()
        self._prefix, self._silence = max(0.02, prefix), max(0.1, silence)
        self._voiced = self._quiet = 0.0
        self._open = False
        self._before = bytearray()
        self._rest = b""

    def push(self, pcm: bytes, rate: int) -> tuple[bool, bytes, bool]:
        """Take audio; say whether a turn begins, what audio belongs to it, whether it ends."""
        opened = closed = False
        heard = self._rest + resample(pcm, rate)
        self._rest = heard[len(heard) // 640 * 640 :]
        for _, voiced in self._gate.levels(heard):
            if voiced:
                self._voiced, self._quiet = self._voiced + 0.02, 0.0
            else:
                self._quiet += 0.02
                if not self._open and self._quiet > 0.1:
                    self._voiced = 0.0
            if not self._open and self._voiced >= self._prefix:
                self._open = opened = True
            elif self._open and self._quiet >= self._silence:
                self._open, self._voiced = False, 0.0
                closed = True
        self._before += pcm
        if not (opened or self._open or closed):
            keep = int(PRE_ROLL * BYTES_PER_SECOND * rate / TRANSCRIBER_RATE) // 2 * 2
            del self._before[:-keep]
            return False, b"", False
        out = bytes(self._before)
        self._before.clear()
        return opened, out, closed

    def reset(self) -> None:
        """Drop the state: the next audio begins a new stream."""
        self._voiced = self._quiet = 0.0
        self._open = False
        self._before.clear()
