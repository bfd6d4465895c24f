"""Echo suppression: replaces the examiner's own voice in the caller's microphone with silence."""

import asyncio
from collections import deque
from typing import Any

import numpy as np
import soxr
from loguru import logger
from pipecat.frames.frames import CancelFrame, EndFrame, Frame, InputAudioRawFrame, OutputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pydantic import Field

from core import events
from core.audio import pcm
from core.audio.echo_gate import EchoGate, Fate
from core.ports import Session
from processors.echo import adaptive_filter
from processors.echo.detector import EchoDetector
from processors.stage import Stage, StageSettings

RATE = 16000
BLOCK = 2 * adaptive_filter.BLOCK
# The microphone's clock is set anew when it differs from the session's by more seconds than this ...
MAX_OFFSET = 0.25
# ... for this many blocks, a second: what a busy machine received late comes at once when it is less busy.
OFFSET_BLOCKS = 31
# Seconds by which the two clocks may drift apart in a block: 300 millionths.
DRIFT = 1e-5
# Seconds: where the transport does not say when audio is played, frames follow each other unless more than this is
# missing.
PAUSE = 0.25
# A half-band filter: what is above 4 kHz would alias into the band that is compared.
_N = np.arange(-15, 16)
HALF = np.sinc(_N / 2) / 2 * np.hamming(len(_N))


class EchoSettings(StageSettings):
    """How far back echo is searched for, and what becomes of it."""

    longest: float = Field(
        1.0,
        ge=0.1,
        le=2,
        description="seconds after playback within which echo is searched for; CPU time grows with it",
    )
    mute: bool = Field(True, description="whether echo becomes silence; otherwise it is only recorded")


class Echo(Stage[EchoSettings]):
    """Compares the microphone (16 kHz) with what is played, and replaces echo with silence.

    What is played comes from a processor behind the call's output, where every audio frame passes once it was played.
    """

    Settings = EchoSettings

    def __init__(self, settings: EchoSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._detector = EchoDetector(settings.longest)
        self._gate = EchoGate()
        self._held: deque[InputAudioRawFrame] = deque()
        self._rest = b""
        self._before = np.zeros(len(HALF) - 1)
        self._began: float | None = None  # when the microphone's first sample was received, by the session's clock
        self._begins: deque[float] = deque(maxlen=OFFSET_BLOCKS)  # the same, as computed from each of the last blocks
        self._player: soxr.ResampleStream | None = None
        self._player_rate = 0
        self._played_until: float | None = None  # by the session's clock, if the transport reports it
        self._muted = 0

    def listener(self) -> FrameProcessor | None:
        return _PlaybackTap(self)

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, InputAudioRawFrame):
            for block in self._blocks(frame):
                await self._on_block(block)
            return
        if isinstance(frame, EndFrame | CancelFrame):
            await self._release(self._gate.finish())
        await self.push_frame(frame, direction)

    async def finish(self) -> None:
        if self._muted:
            logger.info(f"The examiner's echo was muted for {self._muted * BLOCK / RATE:.1f} s of the call.")

    def on_playback(self, audio: bytes, rate: int, began: float | None = None) -> None:
        """Add 16-bit mono audio played from `began` on, by the session's clock; None if it has just been played."""
        if self._began is None:
            return
        if self._player is None or rate != self._player_rate:
            self._player = soxr.ResampleStream(rate, adaptive_filter.RATE, 1, dtype="float32", quality="LQ")
            self._player_rate = rate
        samples = np.frombuffer(audio, np.int16).astype(np.float32) / 32768
        resampled = self._player.resample_chunk(samples).astype(float)
        duration = pcm.seconds(audio, rate)
        last, self._played_until = self._played_until, None if began is None else began + duration
        known = self._detector.played_until / adaptive_filter.RATE
        start = (self.session.now() - duration if began is None else began) - self._began
        if began is not None and last is not None:
            # The offset of the two clocks is known the better the longer they run, but the filter was adapted with the
            # old one.
            start = known + (began - last)
        elif start - known <= PAUSE:
            start = known  # a frame may be reported late
        self._detector.on_playback(resampled, round(start * adaptive_filter.RATE))

    async def _on_block(self, frame: InputAudioRawFrame) -> None:
        now = self.session.now()
        sound, found = self._detector.on_block(self._halved(frame.audio))
        self._begins.append(now - self._detector.position / adaptive_filter.RATE)
        began = min(self._begins)  # a block may come late, and none comes early
        if self._began is None or began - self._began > MAX_OFFSET:
            self._began, self._played_until = began, None
        else:
            self._began = min(began, self._began + DRIFT)
        if found is not None:
            delay = max(0.0, round(found.delay, 3))
            self.session.record(events.EchoDetected(now, delay, round(found.likeness, 3)))
            logger.warning(f"The examiner's voice comes back in the microphone after {delay:g} s.")
        self._held.append(frame)
        await self._release(self._gate.on_block(sound))

    async def _release(self, fates: list[Fate]) -> None:
        for fate in fates:
            frame = self._held.popleft()
            if fate is Fate.MUTE:
                self._muted += 1
                if self.settings.mute:
                    frame.audio = bytes(len(frame.audio))
            await self.push_frame(frame)

    def _blocks(self, frame: InputAudioRawFrame) -> list[InputAudioRawFrame]:
        if frame.sample_rate != RATE:
            raise ValueError(
                f"echo needs {RATE} Hz and got {frame.sample_rate}: put a resampler stage with rate {RATE} before it"
            )
        if not self._rest and len(frame.audio) == 2 * BLOCK:
            return [frame]
        self._rest += frame.audio
        blocks: list[InputAudioRawFrame] = []
        while len(self._rest) >= 2 * BLOCK:
            blocks.append(InputAudioRawFrame(self._rest[: 2 * BLOCK], RATE, 1))
            self._rest = self._rest[2 * BLOCK :]
        return blocks

    def _halved(self, audio: bytes) -> adaptive_filter.Samples:
        samples = np.concatenate((self._before, np.frombuffer(audio, np.int16) / 32768))
        self._before = samples[-len(self._before) :]
        return np.convolve(samples, HALF, "valid")[::2]


class _PlaybackTap(FrameProcessor):
    """Behind the call's output: passes what has been played on to the stage."""

    def __init__(self, echo: Echo, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._echo = echo

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, OutputAudioRawFrame) and direction is FrameDirection.DOWNSTREAM:
            ago = None if frame.pts is None else asyncio.get_running_loop().time() - frame.pts / 1e9
            began = None if ago is None else self._echo.session.now() - ago
            self._echo.on_playback(frame.audio, frame.sample_rate, began)
        await self.push_frame(frame, direction)
