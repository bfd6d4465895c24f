"""The user's audio as it arrives: put into activity windows, counted, billed, or discarded outside them."""

from __future__ import annotations

import hashlib

from gemini_live_emulator.protocol.outputs import Note, Output, Send
from gemini_live_emulator.protocol.wire import INVALID_ARGUMENT, Json, Refused, base64_of, rate_of
from gemini_live_emulator.session.lifetime import duration
from gemini_live_emulator.session.setup import SessionConfig
from gemini_live_emulator.session.speaker import Speaker
from gemini_live_emulator.session.transcription import InputTranscriber
from gemini_live_emulator.session.usage import Entry
from gemini_live_emulator.session.vad import Detector
from gemini_live_emulator.speech import seconds_of


class _WindowRecorder:
    """The samples of a window: always counted and hashed, kept only for the truth file."""

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._hash = hashlib.sha256()
        self._pcm = bytearray()
        self._samples = 0
        self._rate = 16_000

    def add(self, pcm: bytes, rate: int) -> None:
        """Append audio."""
        self._hash.update(pcm)
        self._samples += len(pcm) // 2
        self._rate = rate
        if self._keep:
            self._pcm += pcm

    def summary(self, whole: bool) -> Json:
        """Describe the window for the truth file."""
        fields: Json = {"samples": self._samples, "rate": self._rate, "sha256": self._hash.hexdigest(), "whole": whole}
        return fields | ({"pcm": base64_of(bytes(self._pcm))} if self._keep else {})


class UserAudio:
    """Puts audio into windows, by the client's signals or by detection."""

    def __init__(
        self, config: SessionConfig, transcriber: InputTranscriber, speaker: Speaker, image: int, keep: bool
    ) -> None:
        self._config = config
        self._transcriber = transcriber
        self._speaker = speaker
        self._image = image
        self._keep = keep
        self._detector = None if config.manual else Detector(config.prefix, config.silence)
        self._recorder = _WindowRecorder(keep)
        self._discarded = 0
        self._streamed = 0.0  # seconds since the last window ended
        self._offset = 0.0  # seconds since the connection began

    def media(self, blob: Json, now: float) -> list[Output]:
        """Take audio or a picture."""
        mime, data = str(blob.get("mimeType", "audio/pcm")), blob.get("data", b"")
        if mime.startswith("image/"):
            self._speaker.context = self._speaker.context.add(Entry("user", "IMAGE", self._image))
            return []
        rate = rate_of(mime)
        if rate is None:
            raise Refused(1007, INVALID_ARGUMENT)
        pcm: bytes = data[: len(data) // 2 * 2]
        self._offset += seconds_of(pcm, rate)
        if self._detector is None:
            if not self._transcriber.is_open:
                # Outside [activityStart, activityEnd) audio is thrown away.
                self._discarded += len(pcm) // 2
                return []
            return self._feed(pcm, rate, now)
        self._streamed += seconds_of(pcm, rate)
        opened, pcm, closed = self._detector.push(pcm, rate)
        out = self.open(now) if opened else []
        out += self._feed(pcm, rate, now)
        return out + self.close(now) if closed else out

    def open(self, now: float) -> list[Output]:
        """Begin a window."""
        if self._transcriber.is_open:
            return []
        out = self._lost()
        if self._config.interrupts:
            out += self._speaker.interrupt(now)
        self._transcriber.open()
        self._recorder = _WindowRecorder(self._keep)
        return [*out, *self._signal("ACTIVITY_START"), Note("window.opened", {})]

    def close(self, now: float) -> list[Output]:
        """End the window: the user's turn is over."""
        if not self._transcriber.is_open:
            return []
        speaker = self._speaker
        # Between automatic activities, silence is billed like speech (discuss.ai.google.dev/t/92653).
        seconds = self._streamed if self._config.bills_all else self._transcriber.seconds
        self._streamed = 0.0
        tokens = speaker.context.audio_tokens(seconds)
        speaker.context = speaker.context.add(Entry("user", "AUDIO", tokens, opens=True))
        out: list[Output] = [Note("window.closed", self._recorder.summary(whole=True)), *self._signal("ACTIVITY_END")]
        out += self._transcriber.close(now)
        speaker.ask(now)
        return out

    def end_stream(self, now: float) -> list[Output]:
        """Flush what was cached; the stream opens again with the next audio."""
        if self._detector is None:
            return []
        self._detector.reset()
        return self.close(now)

    def abandon(self) -> list[Output]:
        """Log the window that the end of the connection left open."""
        out = self._lost()
        if self._transcriber.is_open:
            out.append(Note("window.closed", self._recorder.summary(whole=False)))
        return out

    def _feed(self, pcm: bytes, rate: int, now: float) -> list[Output]:
        if not self._transcriber.is_open:
            return []
        self._recorder.add(pcm, rate)
        return list(self._transcriber.feed(pcm, rate, now))

    def _lost(self) -> list[Output]:
        lost, self._discarded = self._discarded, 0
        return [Note("audio.discarded", {"samples": lost})] if lost else []

    def _signal(self, kind: str) -> list[Output]:
        if not self._config.signals:
            return []
        signal: Json = {"voiceActivity": {"type": kind, "audioOffset": duration(self._offset)}}
        if self._config.model.signals:
            # Unasked, it was seen beside a serverContent with nothing in it.
            signal["serverContent"] = {}
        return [Send(signal)]
