"""Markers: what a transcriber writes that nobody said, such as <noise>, [laughs], <ctrl46> or <|endoftext|>.

Angle and square brackets are not spoken: a marker is known there by its shape. Round brackets and asterisks are
written around words, too: there it is known by its words. What is removed is named, so that nothing is lost silently.
docs/transcript.md has the rules and their limits.
"""

import re
from collections.abc import Sequence
from itertools import accumulate

from core.events import MarkersRemoved, Speaker
from core.transcript.values import Fragment

# Characters of a marker at most; what is longer is text.
LONGEST = 64

# Control tokens of a model. They are of no length: "6<ctrl46>.5" is 6.5.
_TOKEN = (
    r"<\|[^<>|\n]{1,40}\|>"
    r"|</?(?:s|p?bos|eos|pad|unk|mask|ctrl_?\d+|unused_?\d+|0x[0-9a-f]{2}|(?:start|end)_of_\w{1,20}|\w{1,20}_token)/?>"
    r"|\[(?:unk|pad|cls|sep|mask|bos|eos|/?inst|control_\d+)\]"
)
# Words for a sound or for words that were not understood, as transcribers write them in brackets.
_SOUND = (
    r"noises?|static|silence|silent|inaudible|unintelligible|indistinct|incomprehensible|unclear|crosstalk|laugh(?:s|ing|"
    r"ter)?|chuckl(?:es?|ing)|giggl(?:es?|ing)|cough(?:s|ing)?|sneez(?:es?|ing)|sniff(?:s|les?|ing)?|sigh(?:s|ing)?|"
    r"breath(?:s|es|ing)?|breathe|inhal(?:es?|ing)|exhal(?:es?|ing)|gasp(?:s|ing)?|yawn(?:s|ing)?|cry(?:ing)?|cries|"
    r"sob(?:s|bing)?|groan(?:s|ing)?|moan(?:s|ing)?|grunt(?:s|ing)?|humming|hums|whistl(?:es|ing)|beep(?:s|ing)?|music|"
    r"applause|clapping|cheering|blank_audio|blank|bleep|no_speech|throat|pauses?|hesitat(?:es|ion)|"
    r"lachen|lacht|geräusche?|rauschen|musik|unverständlich|hust(?:en|et)|stille|applaus|rires?|rit|bruits?|musique|"
    r"toux|tousse|applaudissements|risas?|ruidos?|música|tos|silencio|aplausos?|risate|rumor[ei]|musica|silenzio|"
    r"applausi|tosse|risos?|ruídos?|silêncio|смех|шум|музыка|неразборчиво|кашель|тишина|аплодисменты|"
    r"笑|笑い|笑声|大笑|音楽|音乐|噪音|雑音|拍手|掌声|咳|咳嗽|听不清|沉默|沈黙|웃음|음악|소음|박수|잡음|ضحك|موسيقى|ضوضاء"
)
_BESIDE = (
    r"background|loud|soft|heavy|deep|short|long|brief|clears?|clearing|nervous|nervously|softly|loudly|audio|sounds?|"
    r"audience|upbeat|in|the|of|and|de|fond"
)
_WORDS = rf"(?:(?:{_BESIDE})[ _-])*(?:{_SOUND})(?:[ _-](?:{_SOUND}|{_BESIDE})){{0,2}}(?: \d+(?::\d+)+)?"
_PHRASE = rf"(?:{_WORDS}|no[ _](?:speech|audio|sound)|speak(?:s|ing)(?: in)? (?:a )?foreign language|foreign language)"
# One to four words of letters; a single letter is an index or an option.
_ANY_WORDS = r"(?!\w\])[^\W\d]+(?:[ '’-][^\W\d]+){0,3}(?: \d+(?::\d+)+)?"
# What a score is said or marked with is never a marker: a number, and the name of a block of scores, which a rubric
# writes in capitals ([BAND_SCORES]).
_NO_SCORE = (
    r"(?!(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty|half|[a-f]\d?)\b)"
    r"(?![^<>\[\]]{0,40}(?:score|band|mark|grad|rating|result|verdict|level|point|report|assess|evaluat))"
    r"(?-i:(?![A-Z][A-Z_ -]*/?[>\]]))"
)
_ATTRIBUTES = r"""(?:\s+[\w:-]{1,20}\s*=\s*(?:"[^"<>]{0,30}"|'[^'<>]{0,30}'))*\s*"""
_SOUNDED = (
    rf"[<＜]\s*/?{_PHRASE}\s*/?[>＞]"
    rf"|(?<![^\W\d_])</?{_NO_SCORE}[^\W\d_][\w:.-]{{1,30}}{_ATTRIBUTES}/?>"
    rf"|[\[【〔]\s*(?:{_PHRASE}|_+)\s*[\]】〕]"
    rf"|(?<![\w\])])[\[【〔]\s*{_NO_SCORE}{_ANY_WORDS}\s*[\]】〕]"
    rf"|\{{\s*{_PHRASE}\s*\}}"
    rf"|[(（]\s*{_PHRASE}\s*[)）]"
    rf"|\*{_PHRASE}\*"
    r"|[♩-♬🎵🎶]+"
)
_MARKER = re.compile(f"(?P<token>{_TOKEN})|{_SOUNDED}", re.IGNORECASE)
_OPENING = re.compile(r"[<＜\[【〔{(（*][^>＞\]】〕})）*\n]*$")
# The beginning of "< 5", of "* 2", and of words in round brackets that are more than a sound.
_NO_MARKER = re.compile(r"[<＜*(（]\s|<[1-9]|[(（*].{25}")


def without_markers(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without its markers, and the markers in order."""
    found: list[str] = []

    def remove(match: re.Match[str]) -> str:
        found.append(match.group())
        return _in_place_of(match)

    return _MARKER.sub(remove, text), tuple(found)


def fragments_without_markers(fragments: Sequence[Fragment]) -> tuple[list[Fragment], tuple[str, ...]]:
    """The same for fragments of one text; a marker may be split over several."""
    whole = "".join(fragment.text for fragment in fragments)
    matches = list(_MARKER.finditer(whole))
    if not matches:
        return list(fragments), ()
    ends = list(accumulate(len(fragment.text) for fragment in fragments))
    cleaned: list[Fragment] = []
    for fragment, end in zip(fragments, ends, strict=True):
        begin = at = end - len(fragment.text)
        text = ""
        for match in matches:
            if match.end() <= begin or match.start() >= end:
                continue
            text += whole[at : max(at, match.start())]
            text += _in_place_of(match) if match.start() >= begin else ""
            at = min(end, match.end())
        text += whole[at:end]
        if text:
            cleaned.append(Fragment(text, fragment.at))
    return cleaned, tuple(match.group() for match in matches)


def markers_removed(at: float, speaker: Speaker, markers: Sequence[str]) -> list[MarkersRemoved]:
    """The event, if there were any."""
    text = " ".join(dict.fromkeys(markers))[:200]
    return [MarkersRemoved(at, speaker, len(markers), text)] if markers else []


class MarkerFilter:
    """Removes markers from text as it is received: what may be the beginning of one is held until it is known."""

    def __init__(self) -> None:
        self._before = ""  # the last character that was passed on
        self._held = ""

    def add(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The text that can be passed on now, and the markers that were removed."""
        text, self._held = self._held + text, ""
        last = next((match for match in _MARKER.finditer(text) if match.end() == len(text)), None)
        # What stands in place of a marker depends on the character behind it.
        opening = last.start() if last else _may_become_marker(text)
        if opening is not None:
            text, self._held = text[:opening], text[opening:]
        return self._pass_on(text)

    def flush(self) -> tuple[str, tuple[str, ...]]:
        """The same for what is held: no more text comes."""
        held, self._held = self._held, ""
        passed = self._pass_on(held)
        self._before = ""
        return passed

    def _pass_on(self, text: str) -> tuple[str, tuple[str, ...]]:
        known = len(self._before)
        text, found = without_markers(self._before + text)
        self._before = text[-1:]
        return text[known:], found


def _may_become_marker(text: str) -> int | None:
    """Where a marker may begin that has no end yet; None if none does."""
    opening = _OPENING.search(text, max(0, len(text) - LONGEST))
    return None if opening is None or _NO_MARKER.match(opening.group()) else opening.start()


def _in_place_of(match: re.Match[str]) -> str:
    """A sound between two words leaves a blank. A control token leaves nothing, since a word may go on behind it; but
    two numbers must not become one.
    """
    around = match.string[max(0, match.start() - 1) : match.start()] + match.string[match.end() : match.end() + 1]
    if len(around) < 2 or not around[0].isalnum() or not around[1].isalnum():
        return ""
    return "" if match.group("token") and not around.isdigit() else " "
