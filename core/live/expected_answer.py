"""What the examiner's question asks for, and whether it has been given: who may speak next is ours to say."""

from dataclasses import dataclass


@dataclass
class ExpectedAnswer:
    """An answer that the exam plan waits for.

    A model that goes on by itself, without a word of the candidate since it asked, is not to be heard.
    """

    open: bool = False  # a question was asked, and nothing has been said to the model since
    _at_least: float = 0.0  # seconds of speech of which an answer to it hardly has less
    _voiced: float = 0.0  # ... of which there have been so many
    _turn_over: bool = False  # the model has ended its turn, and nothing has been said to it since

    @property
    def unprompted(self) -> bool:
        """Whether what the model begins to say now answers nothing."""
        return self.open and self._turn_over

    def asked(self, at_least: float) -> None:
        """A question was put that asks for at least so many seconds of speech."""
        self.open, self._at_least, self._voiced = True, at_least, 0.0

    def answered(self, voiced: float | None) -> bool:
        """The caller's turn is over, `voiced` seconds of it voice. Whether the answer is too short to be the whole."""
        self.told()
        if voiced is None:
            return False
        self._voiced += voiced
        return self._voiced < self._at_least

    def told(self) -> None:
        """The model was given something to answer."""
        self.open = self._turn_over = False

    def speaking(self) -> None:
        """The model is in a turn that is heard: a question in it does not make the rest of it unprompted."""
        self._turn_over = False

    def turn_over(self) -> None:
        """The model has ended its turn."""
        self._turn_over = True
