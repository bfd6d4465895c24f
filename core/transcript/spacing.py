"""Whether a blank belongs between two fragments of one speaker's text.

2.5 sends parts of words, each with the blank before it in the fragment; 3.1 sends whole windows without one. So within
a window nothing is added to fragments that bring their own blanks, except where a sentence ends and another begins.
Only the blank is decided: the words stay as they were received. docs/transcript.md has the rules and their limits.
"""

import re

# Letters of scripts that are written without blanks: Thai, Lao, Burmese, Khmer, Chinese, Japanese, and the full-width
# characters and punctuation that go with them.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef]")
# What goes on with the word before it: punctuation, a decimal, the rest of a contraction ('t, 's) or of a compound.
_ATTACHED = re.compile(r"(?i)[.,!?;:)\]}%…»”]|['’](?:(?:t|s|m|d|re|ve|ll)\b|\W|$)|-[^\W\d_]")
# What the next word follows at once.
_ATTACHES = re.compile(r"[(\[{“‘«¿¡$£€#]$")
_LETTER = r"[^\W\d_]"
# What may stand between the end of a sentence and the next, and before the first letter of that.
_CLOSERS, _OPENERS = r"""["'”’»)\]]*""", r"""["'“‘«(\[¿¡]*"""
_QUESTION_ENDED = re.compile(rf"[?!]{_CLOSERS}$")
_SENTENCE_ENDED = re.compile(rf"[.?!…]{_CLOSERS}$")
_CLAUSE_ENDED = re.compile(r"[.,;:…)\]]$")
# "U." and "S.": letters that are abbreviated words.
_INITIAL_ENDED = re.compile(rf"(?:(?<!\w){_LETTER}|Ph)\.$")
_INITIAL = re.compile(rf"{_LETTER}(?:\.|$)")
_NUMBER_OPEN = re.compile(r"\d[.,:]$")
_LETTER_THEN_STOP = re.compile(rf"{_LETTER}\.$")
_BEGINS_WITH_LETTER = re.compile(_OPENERS + _LETTER)
_PHRASE_ENDED = re.compile(r"""(?:[^\W_]|%|\w["”])$""")
# The rest of 3,500 and of 10:30.
_THREE_DIGITS, _TWO_DIGITS = re.compile(r"\d{3}(?!\d)"), re.compile(r"\d\d(?!\d)")


class Spacing:
    """Decides whether a blank belongs between two fragments of a speaker's text.

    Between two windows, where a flush may have cut a word, the fragment alone does not say; how the turns of this call
    have begun so far does. Within a window, whether fragments have brought blanks of their own.
    """

    def __init__(self) -> None:
        self._turns_begin_spaced: bool | None = None  # None: not known
        self._brings_blanks = False  # a fragment in mid-turn had a blank of its own, or was punctuation alone
        self._first_of_turn = True
        self._first_of_window = False
        self._transcription_over = False

    def turn_started(self) -> None:
        """A turn begins."""
        self._first_of_turn, self._transcription_over = True, False

    def window_closed(self) -> None:
        """Within a turn, a window ends and another begins."""
        self._first_of_window = True

    def transcription_finished(self) -> None:
        """The service has declared that what comes from here on is another transcription (`finished`)."""
        self._transcription_over = True

    def spaced(self, before: str, text: str) -> str:
        """The fragment `text`, not empty, with the blank that belongs between it and the text `before` it."""
        at_boundary, self._first_of_window = self._first_of_window, False
        over, self._transcription_over = self._transcription_over, False
        if self._first_of_turn:
            self._first_of_turn = False
            self._turns_begin_spaced = text[0].isspace()
        elif not (at_boundary or over) and (text[0].isspace() or not re.search(r"\w", text)):
            self._brings_blanks = True
        if not before or before[-1].isspace() or text[0].isspace() or _ATTACHED.match(text):
            return text
        if _ATTACHES.search(before) or _UNSPACED.match(before[-1]) or _UNSPACED.match(text):
            return text
        if over:
            apart = True
        elif at_boundary:
            apart = self._apart_at_boundary(before, text)
        else:
            apart = _sentence_begins(before, text) or (not self._brings_blanks and _phrase_begins(before, text))
        return f" {text}" if apart else text

    def _apart_at_boundary(self, before: str, text: str) -> bool:
        if not self._turns_begin_spaced:
            return True
        # A new window whose text would have had a blank of its own, had it begun a word, goes on within one. No word
        # goes on with a capital, nor behind a full stop, unless it is a number.
        ended = _SENTENCE_ENDED.search(before) or _CLAUSE_ENDED.search(before)
        number = _NUMBER_OPEN.search(before) and text[0].isdigit()
        return (ended is not None and not number) or (before[-1].islower() and text[0].isupper())


def _sentence_begins(before: str, text: str) -> bool:
    """Whether a sentence ends and another begins, however the fragments are cut."""
    letter = _BEGINS_WITH_LETTER.match(text)
    if letter is None:
        return False
    if _QUESTION_ENDED.search(before):
        return True
    if not _SENTENCE_ENDED.search(before) or not text[letter.end() - 1].isupper():
        return False
    return not (_INITIAL_ENDED.search(before) and _INITIAL.match(text))


def _phrase_begins(before: str, text: str) -> bool:
    """Whether `text` begins a word, where fragments are whole phrases as far as is known."""
    several_words = any(character.isspace() for character in text.strip())
    phrases = several_words and " " in before.strip()
    if text[0].isdigit():
        if phrases and before[-1].isalpha():
            return True
        if not _NUMBER_OPEN.search(before):
            return _LETTER_THEN_STOP.search(before) is not None or before[-1] in ",;:?!…)"
        rest = _THREE_DIGITS if before[-1] == "," else _TWO_DIGITS if before[-1] == ":" else None
        return several_words and not (rest is not None and rest.match(text))
    if _CLAUSE_ENDED.search(before) and _BEGINS_WITH_LETTER.match(text):
        # "example." + "com"; a sentence begins with a capital.
        return before[-1] not in ".…" or several_words
    # Two windows, the second of which began unnoticed: "I live in a town" + "it is small". "You" + "Tube" are one word.
    return phrases and text[0].isalpha() and _PHRASE_ENDED.search(before) is not None
