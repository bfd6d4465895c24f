"""Has the model lost the context? Checked after every reconnect, while its first words are held back."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.text import shingles, split_text

# Words of a reply after which its beginning can be told from the opening of the exam.
ENOUGH_WORDS = 8
# Share of the reply's runs of three words that are in the opening from which it counts as the opening repeated.
RESEMBLES = 0.5
# Questions of an exam resemble each other ("what do you usually do ..."): only as good as the same words, in a sentence
# of some length, are an old question repeated.
SAME_WORDS = 12
SAME = 0.8
# A resumed context is billed whole with every turn. Compression may halve it (targetTokens is half of triggerTokens by
# default, python-genai types.py); less than a quarter of it cannot be the same context.
COLLAPSED = 0.5
VANISHED = 0.25
# A short context (prompt and a greeting) may shrink by half for any reason.
LEAST_TOKENS = 1500


class ContextState(StrEnum):
    """What is known of the model's context after a reconnect."""

    UNKNOWN = "unknown"
    INTACT = "intact"
    LOST = "lost"


@dataclass
class ContextCheck:
    """Compares what a model says after a reconnect with what it said at first.

    Three signals: the opening repeated; an old question repeated; a context that is billed at less than half of what it
    was. The first is enough by itself. So is a question word for word, or a context of which next to nothing is left. A
    question that only resembles an old one and a context that only shrank are believed together.
    """

    opening: str = ""
    questions: list[str] = field(default_factory=list[str])
    prompt_tokens: int = 0  # of the last turn before the reconnect
    checking: bool = False
    _text: str = ""
    _collapsed: bool = False

    def played(self, text: str) -> None:
        """An utterance of the examiner was played to its end, or to where the caller interrupted it."""
        if not self.opening:
            self.opening = text
        elif "?" in text:
            self.questions.append(text)

    def billed(self, prompt_tokens: int) -> ContextState:
        """The service counted the context; a collapse after a reconnect says that it is another one."""
        if not self.checking:
            self.prompt_tokens = prompt_tokens or self.prompt_tokens
            return ContextState.UNKNOWN
        if self.prompt_tokens < LEAST_TOKENS or not prompt_tokens:
            return ContextState.UNKNOWN
        self._collapsed = prompt_tokens < COLLAPSED * self.prompt_tokens
        gone = prompt_tokens < VANISHED * self.prompt_tokens or (self._collapsed and self._old_question() >= RESEMBLES)
        return ContextState.LOST if gone else ContextState.UNKNOWN

    def reconnected(self) -> None:
        """A new connection is open: what comes next is checked, if anything was played before."""
        self.checking, self._text, self._collapsed = bool(self.opening), "", False

    def transcribed(self, text: str, *, finished: bool = False) -> ContextState:
        """The reply goes on with this text. UNKNOWN as long as there are too few words to tell."""
        if not self.checking:
            return ContextState.INTACT
        self._text += text
        words = len(split_text(self._text))
        if words < ENOUGH_WORDS and not finished:
            return ContextState.UNKNOWN
        old = self._old_question()
        if _share(self._text, self.opening) >= RESEMBLES or (old >= RESEMBLES and self._collapsed):
            lost = True
        elif old < RESEMBLES or finished or words >= SAME_WORDS:
            lost = old >= SAME
        else:
            return ContextState.UNKNOWN  # it may become the same question, or another
        self.checking = False
        return ContextState.LOST if lost else ContextState.INTACT

    def _old_question(self) -> float:
        """How much the reply resembles an old question, 0 to 1.

        Not the last one: its answer may have been cut off, and then it is rightly asked once more.
        """
        return max((_share(self._text, one) for one in self.questions[:-1]), default=0.0)


def _share(text: str, old: str) -> float:
    """How much of the text is in the old one, 0 to 1."""
    ours = shingles(text)
    return len(ours & shingles(old)) / len(ours) if ours else 0.0
