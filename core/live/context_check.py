"""Has the model forgotten the conversation? Looked at after every reconnect, while its first words are held back."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.text import shingles

# Words of a reply after which its beginning can be told from the opening of the exam.
ENOUGH_WORDS = 8
# Share of the reply's runs of three words that are in the opening from which it counts as the opening again.
RESEMBLES = 0.5
# Questions of an exam resemble each other ("what do you usually do ..."): only as good as the same words, in a sentence
# of some length, are an old question put again.
SAME_WORDS = 12
SAME = 0.8
# A resumed context is billed whole with every turn. Compression may halve it (targetTokens is half of triggerTokens by
# default, python-genai types.py); less than a quarter of it cannot be the same context.
COLLAPSED = 0.5
VANISHED = 0.25
# A short context (prompt and a greeting) may shrink by half for any reason.
LEAST_TOKENS = 1500


class ContextState(StrEnum):
    """What is known of the model's memory."""

    UNKNOWN = "unknown"
    KEPT = "kept"
    LOST = "lost"


@dataclass
class ContextCheck:
    """Compares what a model says after a reconnect with what it said at first.

    Three signals: the opening again; an old question again; a context that is billed at less than half of what it was.
    The first is enough by itself. So is a question word for word, or a context of which next to nothing is left. A
    question that only resembles an old one and a context that only shrank are believed together.
    """

    opening: str = ""
    asked: list[str] = field(default_factory=list[str])
    tokens: int = 0
    checking: bool = False
    _text: str = ""
    _collapsed: bool = False

    def said(self, text: str) -> None:
        """The examiner finished an utterance that the caller heard."""
        if not self.opening:
            self.opening = text
        elif "?" in text:
            self.asked.append(text)

    def billed(self, prompt_tokens: int) -> ContextState:
        """The service counted the context; a collapse after a reconnect says that it is another one."""
        if not self.checking:
            self.tokens = prompt_tokens or self.tokens
            return ContextState.UNKNOWN
        if self.tokens < LEAST_TOKENS or not prompt_tokens:
            return ContextState.UNKNOWN
        self._collapsed = prompt_tokens < COLLAPSED * self.tokens
        gone = prompt_tokens < VANISHED * self.tokens or (self._collapsed and self._old() >= RESEMBLES)
        return ContextState.LOST if gone else ContextState.UNKNOWN

    def reconnected(self) -> None:
        """A new connection is open: what comes next is checked, if anything has been said before."""
        self.checking, self._text, self._collapsed = bool(self.opening), "", False

    def speaking(self, text: str, *, finished: bool = False) -> ContextState:
        """The reply so far has these words more. UNKNOWN as long as there are too few to tell."""
        if not self.checking:
            return ContextState.KEPT
        self._text += text
        words = len(self._text.split())
        if words < ENOUGH_WORDS and not finished:
            return ContextState.UNKNOWN
        old = self._old()
        if _share(self._text, self.opening) >= RESEMBLES or (old >= RESEMBLES and self._collapsed):
            forgot = True
        elif old < RESEMBLES or finished or words >= SAME_WORDS:
            forgot = old >= SAME
        else:
            return ContextState.UNKNOWN  # it may become the same question, or another
        self.checking = False
        return ContextState.LOST if forgot else ContextState.KEPT

    def _old(self) -> float:
        """How much the reply resembles an old question. Not the last one: it may be asked again, its answer was cut."""
        return max((_share(self._text, one) for one in self.asked[:-1]), default=0.0)


def _share(text: str, old: str) -> float:
    """How much of the text is in the old one."""
    ours = shingles(text)
    return len(ours & shingles(old)) / len(ours) if ours else 0.0
