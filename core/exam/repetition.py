"""Detects that the examiner repeats itself without being asked to.

Text is compared sentence by sentence in runs of three words, so that a changed word or another beginning does not
hide a question, and by its words of content, so that "tell me about your family" is not "tell me about your work".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from core.text import WORD, shingles, words

_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
# Fewer words than this are a courtesy ("Thank you.") that may come as often as it likes.
_LEAST_WORDS = 6
# A sentence that is not finished is recognised from this many words on: a shorter one may go on to ask another thing.
_EARLY_WORDS = 8
# After this many seconds without a word from the candidate it is only natural to repeat the question.
_LONG_SILENCE = 10.0
# A request to repeat comes last; in the midst of an answer the same words are part of a story.
_LAST_WORDS = 15

# What every question is made of. What is left is what it asks about.
_FRAME_WORDS = frozenset(
    WORD.findall(
        """
        a about again all also am an and any are as ask at be been but by can could describe did do does down explain
        first for from give had has have he her his how i i'd i'll i'm if in into is it it's its know last let let's
        like me more my next no not now of off oh ok okay on one or our out over part please question right say second
        so some something talk tell than thank thanks that that's the their them then there these they think third
        this those to too up us very want was we well were what what's when where which who why will with would yes
        you you'd your
        """
    )
)

# The candidate wants the question repeated.
_REQUESTS = re.compile(
    r"\brepeat|\bagain\b|\bpardon|\bsorry\b|\bonce more\b|\bone more time\b|\brephrase|\bsay that\b|\bwhat was the\b"
    r"|\bcome back\b|\b(?:didn't|did not|couldn't|could not|can't|cannot|don't|do not)\s+(?:\w+\s+)?"
    r"(?:hear|catch|get|understand|follow)|\bexcuse me\b|\bwhat did you\b|^\W*what\W*$",
    re.IGNORECASE,
)


def similarity(sentence: str, earlier: str, *, finished: bool = True) -> float:
    """How much a sentence says what an earlier one did, from 0 to 1.

    Of one that is not `finished` it is how much of the earlier one it has said already.
    """
    ours, theirs = shingles(sentence), shingles(earlier)
    if not ours or not theirs or not _asks_the_same(sentence, earlier):
        return 0.0
    whole = max(len(ours), len(theirs)) if finished else len(theirs)
    return len(ours & theirs) / whole


def asks_to_repeat(text: str) -> bool:
    """Whether the candidate asks to have the question repeated, or did not catch it."""
    return _REQUESTS.search(" ".join(text.split()[-_LAST_WORDS:])) is not None


@dataclass(frozen=True, slots=True)
class Repeated:
    """What the examiner repeats. `answered`: the candidate has spoken in between."""

    text: str
    similarity: float
    answered: bool


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    turn: int  # number of the candidate's turns before it


class RepetitionMachine:
    """Takes the text of both sides by fragments; reports a repetition while it is being spoken, once a reply.

    Not counted: what the candidate asked to have repeated, what follows a reply that was cut off (it was not played to
    its end), and what is repeated after a long silence.
    """

    def __init__(self, threshold: float = 0.8) -> None:
        self._threshold = threshold
        self._earlier: list[_Sentence] = []
        self._fragments: list[str] = []
        self._caller: list[str] = []  # the candidate's words since the examiner last began
        self._caller_speaks = False
        self._turn = 0
        self._words_pending = False  # the candidate has spoken, and the transcription is still to come
        self._was_cut = False
        self._quiet_since: float | None = None
        self._after_silence = False
        self._noticed = False

    @property
    def text(self) -> str:
        """What the examiner has said of the present reply."""
        return "".join(self._fragments).strip()

    def caller_began(self) -> None:
        """The candidate has begun to speak."""
        self._turn += 1
        self._caller.clear()
        self._words_pending, self._quiet_since = True, None

    def caller_text(self, text: str) -> None:
        """A fragment of the candidate's transcription; it may come after the reply to it has begun."""
        self._caller.append(text)
        if text.strip():
            self._words_pending = False

    def playback_ended(self, now: float) -> None:
        """The examiner's reply has been played to its end."""
        self._quiet_since = now

    def examiner_text(self, fragment: str, now: float) -> Repeated | None:
        """A fragment of the examiner's text; returns a repetition as soon as it is one beyond doubt."""
        if not self._fragments:
            self._noticed = False
            self._after_silence = self._quiet_since is not None and now - self._quiet_since >= _LONG_SILENCE
            self._quiet_since = None
        self._fragments.append(fragment)
        # Whether the candidate has asked for it is in the words that have not come.
        return None if self._words_pending else self._look(finished=False)

    def reply_done(self, *, interrupted: bool) -> Repeated | None:
        """The reply is over; returns the repetition in it that was not reported before."""
        found = self._look(finished=True)
        if not interrupted:
            self._earlier += [_Sentence(one, self._turn) for one in _sentences(self.text)]
        if self._fragments:
            self._was_cut = interrupted and not self._noticed
        self._fragments.clear()
        return found

    def _look(self, *, finished: bool) -> Repeated | None:
        if self._noticed or self._was_cut or self._after_silence or asks_to_repeat("".join(self._caller)):
            return None
        best: tuple[float, _Sentence] | None = None
        for sentence, whole in _with_ends("".join(self._fragments), finished):
            if len(words(sentence)) < (_LEAST_WORDS if whole else _EARLY_WORDS):
                continue
            for earlier in self._earlier:
                if len(words(earlier.text)) < (_LEAST_WORDS if whole else _EARLY_WORDS):
                    continue
                alike = similarity(sentence, earlier.text, finished=whole)
                if alike >= self._threshold and (best is None or alike >= best[0]):
                    best = alike, earlier
        if best is None:
            return None
        self._noticed = True
        return Repeated(self.text, min(1.0, best[0]), self._turn > best[1].turn)


def _sentences(text: str) -> list[str]:
    return [one.strip() for one in _SENTENCE.findall(text) if one.strip()]


def _with_ends(text: str, finished: bool) -> Iterable[tuple[str, bool]]:
    """The sentences of a text that may still grow, and whether each is whole."""
    for sentence in _sentences(text):
        yield sentence, finished or sentence[-1] in ".!?"


def _asks_the_same(sentence: str, earlier: str) -> bool:
    asked = {word for word in words(earlier) if word not in _FRAME_WORDS}
    missing = asked - set(words(sentence))
    return len(missing) <= len(asked) // 5
