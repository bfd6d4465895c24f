"""How much of a reply was played: the service sends text and audio far ahead of real time."""

from dataclasses import dataclass

# Of English speech (about 150 words a minute), for text whose audio has not come yet.
CHARACTERS_PER_SECOND = 15.0


@dataclass
class Playback:
    """One reply: its text, its seconds of audio, and since when it is played to the caller."""

    text: str = ""
    seconds: float = 0.0
    complete: bool = False  # no more audio comes
    _playing_since: float | None = None
    _played_before: float = 0.0  # seconds that were played before an underrun

    def started(self, now: float) -> None:
        """It begins to be played to the caller."""
        if self._playing_since is None:
            self._playing_since = now

    def following(self) -> "Playback":
        """The playback of the next reply: it begins when what is left of this one has been played."""
        since = self._playing_since
        return Playback(_playing_since=None if since is None else since + self.seconds - self._played_before)

    def stopped(self, now: float) -> None:
        """Nothing of it is being played any more."""
        self._played_before, self._playing_since = self.played_seconds(now), None

    def played_seconds(self, now: float) -> float:
        """Seconds of it that were played by now: never more than were sent."""
        running = max(0.0, now - self._playing_since) if self._playing_since is not None else 0.0
        return min(self.seconds, self._played_before + running)

    def remaining(self, now: float) -> float:
        """Seconds of it that were sent and not played."""
        return self.seconds - self.played_seconds(now)

    def text_share(self, seconds: float) -> float:
        """The share of the text, 0 to 1, that is in the first `seconds` of its audio.

        Speech is assumed to be even. As long as more audio is to come, the text may be ahead of what there is.
        """
        length = self.seconds if self.complete else max(self.seconds, len(self.text) / CHARACTERS_PER_SECOND)
        return min(1.0, seconds / length) if length > 0 else 0.0
