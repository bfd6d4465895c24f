"""How much of a reply was heard: the service sends words and audio far ahead of the voice that reads them."""

from dataclasses import dataclass

# Characters a second of English speech (about 150 words a minute), for words whose audio has not come yet.
PACE = 15.0


@dataclass
class Playback:
    """One reply: its words, its seconds of audio, and since when it is being heard."""

    text: str = ""
    seconds: float = 0.0
    complete: bool = False  # no more audio comes
    _since: float | None = None  # it is audible since
    _before: float = 0.0  # seconds that were heard before, if the voice ran dry and came back

    def audible(self, now: float) -> None:
        """The caller begins to hear it."""
        if self._since is None:
            self._since = now

    def following(self) -> "Playback":
        """The reply after this one: what is still to be heard of this is heard first."""
        return Playback(_since=None if self._since is None else self._since + self.seconds - self._before)

    def silent(self, now: float) -> None:
        """Nothing of it is being heard any more."""
        self._before, self._since = self.heard(now), None

    def heard(self, now: float) -> float:
        """Seconds of it that were heard by now: never more than were sent."""
        running = max(0.0, now - self._since) if self._since is not None else 0.0
        return min(self.seconds, self._before + running)

    def left(self, now: float) -> float:
        """Seconds of it that were sent and not heard."""
        return self.seconds - self.heard(now)

    def share(self, heard: float) -> float:
        """The share of the text, 0 to 1, that is spoken in the first `heard` seconds.

        The voice is taken to be even. As long as more audio is to come, the text may be ahead of what there is.
        """
        length = self.seconds if self.complete else max(self.seconds, len(self.text) / PACE)
        return min(1.0, heard / length) if length > 0 else 0.0
