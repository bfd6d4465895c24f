"""Frames in the words of a call: say, hush, wait; and a stage run in a real Pipecat pipeline."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pipecat.frames.frames import Frame, InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

CHUNK = 0.02
RATE = 16000


@dataclass
class Ends:
    """A running pipeline of one stage: what goes in, and what came out at both ends."""

    worker: PipelineWorker
    down: list[Frame] = field(default_factory=list[Frame])
    up: list[Frame] = field(default_factory=list[Frame])
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def push(self, *frames: Frame) -> None:
        """Send frames in at the front, in order."""
        await self.worker.queue_frames(frames)

    async def pull(self, *frames: Frame) -> None:
        """Send frames in at the back, upstream."""
        for frame in frames:
            await self.worker.queue_frame(frame, FrameDirection.UPSTREAM)

    async def until(self, said: Callable[[], Any], timeout: float = 30.0) -> None:
        """Wait until something is true of what came out."""
        async with asyncio.timeout(timeout):
            while not said():
                self.changed.clear()
                await self.changed.wait()

    def got(self, kind: type[Any]) -> list[Any]:
        """The frames of one kind that came out at the back."""
        return [frame for frame in self.down if isinstance(frame, kind)]

    def rose(self, kind: type[Any]) -> list[Any]:
        """The frames of one kind that came out at the front."""
        return [frame for frame in self.up if isinstance(frame, kind)]


class _End(FrameProcessor):
    """Passes on everything and keeps what comes by in one direction."""

    def __init__(self, kept: list[Frame], direction: FrameDirection, changed: asyncio.Event) -> None:
        super().__init__()
        self._kept, self._direction, self._changed = kept, direction, changed

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is self._direction:
            self._kept.append(frame)
            self._changed.set()
        await self.push_frame(frame, direction)


@asynccontextmanager
async def running(*stages: FrameProcessor) -> AsyncIterator[Ends]:
    """The stages in a pipeline that has started; it is ended with the block."""
    down: list[Frame] = []
    up: list[Frame] = []
    changed = asyncio.Event()
    front = _End(up, FrameDirection.UPSTREAM, changed)
    back = _End(down, FrameDirection.DOWNSTREAM, changed)
    worker = PipelineWorker(
        Pipeline([front, *stages, back]), enable_rtvi=False, idle_timeout_secs=None, enable_turn_tracking=False
    )
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def on_started(*_: Any) -> None:
        started.set()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    holding = asyncio.create_task(runner.run())
    await started.wait()
    ends = Ends(worker, down, up, changed)
    try:
        yield ends
    finally:
        await worker.stop_when_done()
        await holding


def chunks(pcm: bytes, rate: int = RATE, duration: float = CHUNK) -> list[InputAudioRawFrame]:
    """Audio as the frames a transport pushes; the last one is filled up with silence."""
    size = round(rate * duration) * 2
    padded = pcm + bytes(-len(pcm) % size)
    return [InputAudioRawFrame(padded[at : at + size], rate, 1) for at in range(0, len(padded), size)]


async def talk(ends: Ends, frames: Sequence[Frame], every: float = CHUNK) -> None:
    """Push frames at the pace of real speech."""
    for frame in frames:
        await ends.push(frame)
        await asyncio.sleep(every)


def hush(seconds: float, rate: int = RATE) -> list[InputAudioRawFrame]:
    """Silence."""
    return chunks(bytes(round(seconds * rate) * 2), rate)
