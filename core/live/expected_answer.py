"""The answer that the examiner's question asks for, and whether it has been given: decides who may speak next."""

from dataclasses import dataclass


@dataclass
class ExpectedAnswer:
    """An answer that the exam plan expects.

    A reply that the model begins by itself, when the candidate has said nothing since the question, is unsolicited.
    """

    awaited: bool = False  # a question was asked, and the model has been given nothing to reply to since
    _at_least: float = 0.0  # seconds of voice of which an answer to it hardly has less
    _voiced: float = 0.0  # seconds of voice in the answer so far
    _turn_complete: bool = False  # the model has ended its turn, and has been given nothing to reply to since

    @property
    def reply_is_unsolicited(self) -> bool:
        """Whether a reply that begins now is a reply to nothing."""
        return self.awaited and self._turn_complete

    def asked(self, at_least: float) -> None:
        """The examiner has put a question that asks for at least so many seconds of voice."""
        self.awaited, self._at_least, self._voiced = True, at_least, 0.0

    def answered(self, voiced: float | None) -> bool:
        """The caller's turn is over, with `voiced` seconds of voice. Whether the answer is too short to be complete."""
        self.input_sent()
        if voiced is None:
            return False
        self._voiced += voiced
        return self._voiced < self._at_least

    def input_sent(self) -> None:
        """The model was given something to reply to."""
        self.awaited = self._turn_complete = False

    def reply_accepted(self) -> None:
        """A turn of the model goes to the caller: a question in it does not make the rest of it unsolicited."""
        self._turn_complete = False

    def turn_complete(self) -> None:
        """The model has ended its turn."""
        self._turn_complete = True
