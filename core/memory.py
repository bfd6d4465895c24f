"""Has the model forgotten the conversation? Looked at after every reconnect, while its first words are held back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from core.events import UtteranceSpoken
from core.repetition import shingles

# Words of a reply after which its beginning can be told from the opening of the exam.
ENOUGH_WORDS = 8
# Share of the reply's runs of three words that are in the opening from which it counts as the opening again.
RESEMBLES = 0.5
# A resumed context is billed whole with every turn; less than this share of it cannot be the same context.
COLLAPSED = 0.5
# A short context (prompt and a greeting) may shrink by half for any reason.
LEAST_TOKENS = 1500


class Recall(StrEnum):
    """What is known of the model's memory."""

    UNKNOWN = "unknown"
    KEPT = "kept"
    LOST = "lost"


@dataclass
class MemoryCheck:
    """Compares what a model says after a reconnect with what it said at first."""

    opening: str = ""
    asked: list[str] = field(default_factory=list[str])
    tokens: int = 0
    checking: bool = False
    _text: str = ""

    def said(self, text: str) -> None:
        """The examiner finished an utterance that the caller heard."""
        if not self.opening:
            self.opening = text
        elif "?" in text:
            self.asked.append(text)

    def billed(self, prompt_tokens: int) -> Recall:
        """The service counted the context; a collapse after a reconnect says that it is another one."""
        if not self.checking:
            self.tokens = prompt_tokens or self.tokens
            return Recall.UNKNOWN
        collapsed = self.tokens >= LEAST_TOKENS and 0 < prompt_tokens < COLLAPSED * self.tokens
        return Recall.LOST if collapsed else Recall.UNKNOWN

    def reconnected(self) -> None:
        """A new connection is open: what comes next is checked, if anything has been said before."""
        self.checking, self._text = bool(self.opening), ""

    def speaking(self, text: str, *, finished: bool = False) -> Recall:
        """The reply so far has these words more. UNKNOWN as long as there are too few to tell."""
        if not self.checking:
            return Recall.KEPT
        self._text += text
        words = self._text.split()
        if len(words) < ENOUGH_WORDS and not finished:
            return Recall.UNKNOWN
        self.checking = False
        old = [self.opening, *self.asked[:-1]]  # the last question may be asked again: its answer was cut
        ours = shingles(self._text)
        forgot = any(ours and len(ours & shingles(one)) / len(ours) >= RESEMBLES for one in old)
        return Recall.LOST if forgot else Recall.KEPT


def seed(said: Sequence[UtteranceSpoken], characters: int = 12_000) -> list[tuple[str, str]]:
    """The conversation so far as (role, text) turns for a session that knows nothing, the newest kept."""
    turns: list[tuple[str, str]] = []
    length = 0
    for utterance in reversed(said):
        length += len(utterance.text)
        if length > characters:
            break
        role = "user" if utterance.speaker == "caller" else "model"
        if turns and turns[-1][0] == role:
            turns[-1] = (role, f"{utterance.text} {turns[-1][1]}")
        else:
            turns.append((role, utterance.text))
    return turns[::-1]


def go_on(said: Sequence[UtteranceSpoken], standing: str = "") -> str:
    """What a session that was seeded is told: where the exam stands, and not to begin again.

    `standing` is what the exam plan says of it; without one the questions are counted.
    """
    if standing:
        return (
            "The connection was interrupted and is restored; the conversation so far is above."
            f" {standing} Do not greet the candidate or introduce yourself again."
        )
    questions = [u.text for u in said if u.speaker == "examiner" and "?" in u.text]
    asked = f" You have asked {len(questions)} questions; the last was: {questions[-1]}" if questions else ""
    return (
        "The connection was interrupted and is restored; the conversation so far is above."
        f"{asked} Do not greet the candidate or introduce yourself again. Go on from there."
    )
