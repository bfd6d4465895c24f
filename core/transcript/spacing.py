"""Whether a space belongs between two fragments of the caller's text."""

import re

# What never stands at the start of a word.
_CLOSING = re.compile(r"[.,!?;:)\]}%…'’”]")


# After these a word is over; between digits they are part of a number.
_ENDED = re.compile(r"[.,!?;:…)\]]$")


class Spacing:
    """Decides whether a space belongs between two fragments of the caller's text.

    2.5 sends parts of words with the space before each word in the fragment; 3.1 sends whole windows without one. At
    the boundary of two windows, where a flush may have cut a word, the fragment alone does not say; how the turns of
    this call have begun so far does. Only the space is decided: the words stay as they were received.
    """

    def __init__(self) -> None:
        self._spaced: bool | None = None  # whether turns begin with a space; None: not known
        self._first_of_turn = True
        self._first_of_window = False

    def turn_started(self) -> None:
        """A turn begins."""
        self._first_of_turn = True

    def window_closed(self) -> None:
        """Within a turn, a window ends and another begins."""
        self._first_of_window = True

    def spaced(self, before: str, text: str) -> str:
        """The fragment `text` with the space that belongs between it and the fragment `before`."""
        at_boundary, self._first_of_window = self._first_of_window, False
        if self._first_of_turn:
            self._first_of_turn = False
            self._spaced = text[0].isspace()
        if not before or before[-1].isspace() or text[0].isspace() or _CLOSING.match(text):
            return text
        number = before.rstrip(".,:")[-1:].isdigit() and text[0].isdigit()
        apart = _ENDED.search(before) is not None and not number
        # No word goes on with a capital.
        apart = apart or (before[-1].islower() and text[0].isupper())
        # A new window whose text would have had a space of its own, had it begun a word, goes on within one.
        apart = apart or (at_boundary and not self._spaced)
        return f" {text}" if apart else text
