"""An utterance that is not finished: its fragments as they arrive, and what they are worth as text."""

import re
from dataclasses import dataclass, field

from core.events import Speaker, UtteranceSpoken
from core.text import truncate
from core.transcript.gaps import GapPolicy, find_gaps
from core.transcript.markers import fragments_without_markers, without_markers
from core.transcript.repeats import better_of, lacks_words, once, same_words
from core.transcript.spacing import Spacing
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan

# Characters before a fragment that decide how it is spaced.
_CONTEXT = 80


@dataclass
class PendingUtterance:
    """What one side has said so far, from `started` to `ended`."""

    speaker: Speaker
    started: float
    ended: float
    voice: list[VoiceSpan] = field(default_factory=list[VoiceSpan])
    windows: int = 1  # in which it was spoken
    late: bool = False  # it began with text, not with voice: the turn it belongs to was recorded already
    interrupted: bool = False  # barge-in; how much of it was played is not known yet
    answered_at: float | None = None  # the reply to it is over, and it waits for its second transcription
    _fragments: list[Fragment] = field(default_factory=list[Fragment])
    _closed: int = 0  # fragments of the windows that are closed
    _acknowledged: int = 0  # ... of which so many will not be transcribed a second time
    _replayed: bool = False  # those after them will: the next fragment begins that second transcription
    _went_on: bool = False  # the speaker had not finished when the audio was replayed
    _first: list[Fragment] = field(default_factory=list[Fragment])  # the transcription from before a replay
    _known: tuple[tuple[int, ...], tuple[list[Fragment], tuple[str, ...]]] | None = None  # what was said, as of a state
    _first_at: int = 0  # where in the fragments the second transcription of the same audio begins

    @property
    def last_text_at(self) -> float | None:
        """When the last of the text arrived."""
        return self._fragments[-1].at if self._fragments else None

    @property
    def first_text_at(self) -> float | None:
        """When the first of the text arrived."""
        return self._fragments[0].at if self._fragments else None

    @property
    def lacks_second_transcription(self) -> bool:
        """Whether it has text that was replayed, of which less has been transcribed a second time."""
        if self._replayed:
            return bool(self._fragments)
        return bool(self._first) and lacks_words(self._fragments[self._first_at :], self._first)

    @property
    def lacks_words(self) -> bool:
        """Whether there is voice without words in it."""
        return bool(find_gaps(self.voice, self.said(), GapPolicy()))

    def add(self, text: str, now: float, spacing: Spacing) -> None:
        """A fragment of the text was received."""
        if self._replayed:
            # Not before: a connection that is lost before it transcribes the replay must not cost the text there is.
            self._begin_second_transcription()
            spacing.window_closed()  # what is not replayed ends with a window
        before, _ = without_markers("".join(fragment.text for fragment in self._fragments[-_CONTEXT:])[-_CONTEXT:])
        self._fragments.append(Fragment(spacing.spaced(before, text), now))
        self._known = None

    def window_closed(self, *, acknowledged: bool) -> None:
        """A window is closed; `acknowledged` when the closed windows will not be replayed."""
        if self._replayed:
            return
        if acknowledged:
            self._acknowledged = self._closed
        else:
            self._closed = len(self._fragments)
            self.windows += 1

    def audio_replayed(self, *, whole: bool, going_on: bool) -> None:
        """The unacknowledged audio was replayed, or the `whole` of it; `going_on` when more of it is to be spoken."""
        self._replayed, self._went_on = True, going_on
        if whole:
            self._acknowledged = 0

    def said(self) -> list[Fragment]:
        """The fragments of what was said, as far as is known: each part of it once, and without markers."""
        return list(self._said()[0])

    def text(self) -> str:
        """The text of what was said."""
        return _text(self.said())

    def finished(
        self,
        at: float,
        *,
        said: list[Fragment] | None = None,
        interrupted: bool = False,
        partial: bool = False,
        played_share: float | None = None,
    ) -> list[FinishedUtterance]:
        """The finished utterance, if there is anything of it; `said` where only a part of the text belongs to it."""
        all_said, markers = self._said()
        said = all_said if said is None else said
        text = _text(said) if played_share is None else truncate(_text(said), played_share)
        alternative = self._alternative(all_said) if len(said) == len(all_said) else _text(all_said)
        if not (text or self.voice or alternative or markers):
            return []
        interrupted = interrupted or self.interrupted
        utterance = UtteranceSpoken(at, self.speaker, text, self.started, self.ended, interrupted, partial)
        return [FinishedUtterance(utterance, tuple(said), tuple(self.voice), alternative, markers)]

    def _said(self) -> tuple[list[Fragment], tuple[str, ...]]:
        state = (len(self._fragments), len(self.voice), self.windows)
        if self._known is None or self._known[0] != state:
            self._known = state, self._assembled()
        return self._known[1]

    def _assembled(self) -> tuple[list[Fragment], tuple[str, ...]]:
        fragments = self._fragments
        if self._first:
            second = better_of(self._first, fragments[self._first_at :], went_on=self._went_on)
            fragments = [*fragments[: self._first_at], *second]
        fragments, markers = fragments_without_markers(fragments)
        if markers and not re.search(r"\w", "".join(fragment.text for fragment in fragments)):
            fragments = []  # the full stop behind a marker
        return once(fragments, self.voice, self.windows), markers

    def _alternative(self, said: list[Fragment]) -> str:
        """The text from before a replay, where another one took its place."""
        if not self._first or same_words(said, first := [*self._fragments[: self._first_at], *self._first]):
            return ""
        return _text(first)

    def _begin_second_transcription(self) -> None:
        self._replayed = False
        start = self._acknowledged
        if self._first:
            settled = better_of(self._first, self._fragments[self._first_at :], went_on=True)
            if settled != self._fragments[self._first_at :]:
                self._fragments[self._first_at :] = settled
                start = min(start, self._first_at)
        self._first, self._first_at = self._fragments[start:], start
        del self._fragments[start:]
        self._closed = self._acknowledged = start


def _text(fragments: list[Fragment]) -> str:
    return " ".join("".join(fragment.text for fragment in fragments).split())
