"""Delivery of one reply: audio in chunks, faster than it plays, each with the words that begin in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from gemini_live_emulator.protocol.outputs import Send
from gemini_live_emulator.protocol.wire import Json, base64_of
from gemini_live_emulator.session.examiner import Reply
from gemini_live_emulator.session.setup import SessionConfig
from gemini_live_emulator.speech import SYNTHESIZER_RATE

# google-gemini/cookbook issue 952: the first chunk holds 200 ms, the others 240 ms.
FIRST: Final = 9_600
REST: Final = 11_520
BYTES_PER_SECOND: Final = SYNTHESIZER_RATE * 2


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of output: audio, the words said in it, or both."""

    pcm: bytes
    text: str


class Delivery:
    """Paces the audio of a reply and keeps count of what the user was sent."""

    def __init__(self, reply: Reply, speed: float, text_only: bool = False) -> None:
        self.reply = reply
        self._speed = speed
        self._words = [sentence.split() for sentence in reply.sentences]
        self._said = [0] * len(self._words)
        self._text_only = text_only
        self._early: dict[int, bytes] = {}
        self._audio = bytearray()  # of the sentences known so far, in order
        self._ends: list[int] = []  # where each of them ends in it
        self._began: float | None = None
        self._sent = 0
        self._chunks = 0

    def feed(self, sentence: int, pcm: bytes) -> None:
        """Take the audio of a sentence."""
        self._early[sentence] = pcm
        while (pcm_next := self._early.pop(len(self._ends), None)) is not None:
            self._audio += pcm_next
            self._ends.append(len(self._audio))

    @property
    def _all_known(self) -> bool:
        return self._text_only or len(self._ends) == len(self._words)

    @property
    def complete(self) -> bool:
        """Whether all of it was sent."""
        return self._all_known and self._sent >= len(self._audio) and not self._left()

    @property
    def seconds(self) -> float:
        """Seconds of audio sent."""
        return self._sent / BYTES_PER_SECOND

    @property
    def text(self) -> str:
        """The words sent."""
        return " ".join(word for words, said in zip(self._words, self._said, strict=True) for word in words[:said])

    @property
    def fraction(self) -> float:
        """The share of the words that was sent."""
        total = sum(len(words) for words in self._words)
        return sum(self._said) / total if total else 1.0

    def deadline(self) -> float | None:
        """Say when the next chunk is due; None if it waits for the synthesizer or is complete."""
        if self.complete or not self._ready():
            return None
        if self._began is None:
            return -math.inf
        return self._began + self.seconds / self._speed

    def due(self, now: float) -> list[Chunk]:
        """Give the chunks that should be sent by now."""
        out: list[Chunk] = []
        while (at := self.deadline()) is not None and at <= now:
            if self._began is None:
                self._began = now
            size = REST if self._chunks else FIRST
            pcm = bytes(self._audio[self._sent : self._sent + size])
            self._sent += len(pcm)
            self._chunks += 1
            out.append(Chunk(pcm, self._release()))
        return out

    def _left(self) -> bool:
        return any(s < len(w) for w, s in zip(self._words, self._said, strict=True))

    def _ready(self) -> bool:
        # A short chunk is only sent at the end, as the service does.
        size = REST if self._chunks else FIRST
        return self._all_known or len(self._audio) - self._sent >= size

    def _release(self) -> str:
        # Words go out with the audio in which they begin.
        words: list[str] = []
        start = 0
        ends = [0] * len(self._words) if self._text_only else self._ends
        for i, end in enumerate(ends):
            total = len(self._words[i])
            if self._sent >= end:
                reached = total
            elif self._sent > start:
                reached = math.ceil((self._sent - start) / (end - start) * total)
            else:
                break
            words += self._words[i][self._said[i] : reached]
            self._said[i] = max(self._said[i], reached)
            start = end
        return "".join(f" {word}" for word in words)


def messages(config: SessionConfig, chunk: Chunk) -> list[Send]:
    """The messages that carry a chunk: one, or on most models one for the audio and one for its transcript."""
    if config.text_only:
        parts: list[Json] = [{"text": chunk.text}] if chunk.text else []
        return [content({"modelTurn": {"parts": parts, "role": "model"}})] if parts else []
    fields: list[Json] = []
    if chunk.pcm:
        audio = {"mimeType": "audio/pcm;rate=24000", "data": base64_of(chunk.pcm)}
        fields.append({"modelTurn": {"parts": [{"inlineData": audio}]}})
    if chunk.text and config.transcribe_output:
        fields.append({"outputTranscription": {"text": chunk.text}})
    if config.model.bundles and len(fields) == 2:
        # google-gemini/gemini-skills: from 3.1 on, one message may hold several fields.
        return [content(fields[0] | fields[1])]
    return [content(field) for field in fields]


def content(fields: Json) -> Send:
    """A serverContent message."""
    return Send({"serverContent": fields})
