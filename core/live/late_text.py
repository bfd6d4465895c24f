"""Text that follows a reply: more of what was said in it, or the beginning of the next reply.

The service sends transcription apart from audio, and an end marker does not say that all of it has come. Until somebody
speaks, or the model is given something to reply to, text without audio can only belong to the reply before it; audio
shows that another reply has begun.
"""

from dataclasses import dataclass, field

from core.live.messages import OutputTranscribed

# Seconds that such text waits for audio: within a reply the two come a few hundredths of a second apart.
AUDIO_WAIT = 0.5


@dataclass
class LateText:
    """Held until it is known what it belongs to. `open` after a reply with audio that the model has ended."""

    open: bool = False
    _held: list[OutputTranscribed] = field(default_factory=list[OutputTranscribed])
    _until: float | None = None

    def hold(self, output: OutputTranscribed, now: float) -> None:
        """Text has come without audio."""
        self._held.append(output)
        self._until = now + AUDIO_WAIT if self._until is None else self._until

    def take(self) -> list[OutputTranscribed]:
        """What was held."""
        held, self._held, self._until = self._held, [], None
        return held

    def deadline(self) -> float | None:
        """When what is held belongs to the reply before it, as no audio has come."""
        return self._until
