"""Whether words are in a script and, for English, in a language that is expected of the caller.

A service that mishears English writes Hindi, Arabic or nonsense, and as many words as were said: counting them finds
nothing. Expected are the languages that are named, else the scripts in which the examiner speaks. Languages of one
script are not told apart, except that a longer text without the commonest English words is not English.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Literal
from unicodedata import name

from core.text import join_words, split_text
from core.transcript.gaps import HALF_WORD, Gap, VoiceAxis, place_words, split_words
from core.transcript.overlap import normalized
from core.transcript.values import Fragment, VoiceSpan

Mismatch = Literal["script", "language"]

# Scripts as the names of Unicode's characters begin, by language; the other languages are written in Latin letters.
_CHINESE, _KANA, _CYRILLIC, _ARABIC = "CJK", ("HIRAGANA", "KATAKANA"), "CYRILLIC", "ARABIC"
_SCRIPTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("zh", "yue", "cmn", "nan"), (_CHINESE, "BOPOMOFO")),
    "ja": (_CHINESE, *_KANA),
    "ko": ("HANGUL", _CHINESE),
    **dict.fromkeys(("hi", "mr", "ne", "sa"), ("DEVANAGARI",)),
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk", "kk", "ky", "mn", "tg"), (_CYRILLIC,)),
    "sr": (_CYRILLIC, "LATIN"),
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ckb", "sd"), (_ARABIC,)),
    **{"he": ("HEBREW",), "yi": ("HEBREW",), "el": ("GREEK",), "hy": ("ARMENIAN",), "ka": ("GEORGIAN",)},
    **{"th": ("THAI",), "lo": ("LAO",), "km": ("KHMER",), "my": ("MYANMAR",), "am": ("ETHIOPIC",), "si": ("SINHALA",)},
    **{"bn": ("BENGALI",), "as": ("BENGALI",), "pa": ("GURMUKHI",), "gu": ("GUJARATI",), "or": ("ORIYA",)},
    **{"ta": ("TAMIL",), "te": ("TELUGU",), "kn": ("KANNADA",), "ml": ("MALAYALAM",), "bo": ("TIBETAN",)},
}
# So many words of another script in a row, or spread over most of a text, are misheard; fewer are names and quotations.
_FEW = 3
# Words from which on a text without the commonest English words is not English; a shorter one may be a list.
_LONG = 12
# Their share: of English they are a half, learners' English included; of other languages and of nonsense next to none.
_ENGLISH, _NOT_ENGLISH = 0.25, 0.1
_COMMON_WORDS = """
a about after all also always and any are as at back be because been before big but by can come could day
different do does eat every family first for from get go good great had has have he her him his how i if
important in into is it its it's i'm just know life like live lot make many maybe me more most much my never
new no not now of often on one only or other our out over people really school see she should so some
something sometimes stay than thank that the their them then there these they thing things think this time to
too two up us use usually very want was way we well went were what when where which who why will with work
would year years yes you your don't that's three four five six seven eight nine ten eleven twelve twenty
thirty hundred thousand okay um uh
"""
_COMMON = frozenset(_COMMON_WORDS.split())


class ExpectedLanguage:
    """The languages of BCP 47 codes, or where there are none, those of the examiner's words so far."""

    def __init__(self, languages: Sequence[str] = ()) -> None:
        codes = [code.casefold().split("-")[0] for code in languages]
        self._learns = not codes
        self._scripts = {script for code in codes for script in _SCRIPTS.get(code, ("LATIN",))}
        self._english = set(codes) == {"en"}

    def examiner_said(self, text: str) -> None:
        """The examiner has spoken: the caller may answer in the same script."""
        if self._learns:
            words = split_text(text)
            self._scripts |= {script for word in words if (script := script_of(word)) is not None}
            if len(words) >= _LONG:
                self._english = _english_share(words) >= _ENGLISH

    def mismatch(self, fragments: Sequence[Fragment]) -> Mismatch | None:
        """What is wrong with some of the words; None where nothing is, or nothing is expected."""
        words = [word.text for word in split_words(fragments)]
        if any(self._foreign(words)):
            return "script"
        return "language" if self._not_english(words) else None

    def matching(self, fragments: Sequence[Fragment]) -> tuple[Fragment, ...]:
        """The fragments without the words that are in another script or language; the same where there are none."""
        words = split_words(fragments)
        texts = [word.text for word in words]
        foreign = self._foreign(texts)
        matching = [word for word, out in zip(words, foreign, strict=True) if not out]
        if self._not_english([word.text for word in matching]):
            return ()
        return tuple(Fragment(f" {word.text}", word.at) for word in matching) if any(foreign) else tuple(fragments)

    def gaps(self, voice: Sequence[VoiceSpan], fragments: Sequence[Fragment]) -> list[Gap]:
        """Where about the words of another script were said."""
        words, axis = place_words(voice, fragments), VoiceAxis(voice)
        found: list[Gap] = []
        foreign = iter(self._foreign([word.text for word in words]))
        for out, run in groupby(words, key=lambda _: next(foreign)):
            positions = [axis.voiced_by(word.at) for word in run]
            begin, end = max(0.0, positions[0] - HALF_WORD), min(axis.length, positions[-1] + HALF_WORD)
            if out and end > begin:
                found.append(Gap(axis.time_of(begin), axis.time_of(end, ending=True), end - begin, 0))
        return found

    def matching_text(self, text: str) -> str:
        """The same for a text."""
        matching = self.matching([Fragment(text, 0.0)])
        return text if matching and matching[0].text == text else join_words(one.text.strip() for one in matching)

    def _foreign(self, words: Sequence[str]) -> list[bool]:
        """Whether each word is in a script that is not expected, and more than a name or a quotation."""
        scripts = [script_of(word) if self._scripts else None for word in words]
        kinds = [None if script is None else script not in self._scripts for script in scripts]
        lettered = [kind for kind in kinds if kind is not None]
        foreign = sum(lettered)
        if not foreign:
            return [False] * len(words)
        if foreign == len(lettered) or (foreign > _FEW and foreign > len(lettered) / 2):
            return [kind is True for kind in kinds]
        found: list[bool] = []
        for out, run in groupby(kinds, key=lambda kind: kind is True):
            length = len(list(run))
            found += [out and length > _FEW] * length
        return found

    def _not_english(self, words: Sequence[str]) -> bool:
        judged = [word for word in words if script_of(word) == "LATIN" and not any(map(str.isdigit, word))]
        return self._english and len(judged) >= _LONG and _english_share(judged) < _NOT_ENGLISH


@lru_cache(maxsize=8192)
def script_of(word: str) -> str | None:
    """The script of a word's first letter, as the names of its characters begin ("LATIN", "CJK"); None without one."""
    letter = next((one for one in word if one.isalpha()), None)
    return None if letter is None else name(letter, "UNKNOWN").split()[0].partition("-")[0]


def _english_share(words: Iterable[str]) -> float:
    plain = [normalized(word.replace("’", "'")) for word in words]
    return sum(word in _COMMON or len(word) == 1 for word in plain) / max(1, len(plain))
