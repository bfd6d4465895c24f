"""How well the readers read: precision and recall over the table, beside the two regexes of the report.

The figures printed here are of cases that the grammar has since been fitted to. What it does with talk it has not seen
is told by the first run of each blind batch, before anything was changed for it:

batch    cases  right  wrong  missed  precision  recall
A-D        417    662     22      63      0.968   0.913  written before the grammar was read, run with it as it was
E           97    167      1       7      0.994   0.960  from here on written by one who had just mended the grammar
F           94    135      5      13      0.964   0.912  for the batches before
G           91    138     11       8      0.926   0.945
H           79    113      9       7      0.926   0.942
I           79    123      1      16      0.992   0.885
J           64    107      2       2      0.982   0.982
K           64    109      0       1      1.000   0.991
L           49     31      7       2      0.816   0.939  only corrections, distractors and injections, the hardest found
M           24     49      1       7      0.980   0.875  long, in the manner of examiners' published reports
N          130    248      2       6      0.992   0.976  written by a stranger, who had never seen the grammar
O          130    295     10      11      0.967   0.964  by another stranger, a third of it with labels and percentages
P          200    506      5      27      0.990   0.949  by a third, run after the grammar had been turned from lists of
                                                       what carries a score to what speaks against one; with the
                                                       grammar as it was before: 468, 21, 65; 0.957, 0.878

The same first runs by category, A to K together (precision, recall): clean 1.00, 0.96; words 0.99, 0.88; corrections
0.87, 0.88; distractors 0.79, 0.87; interrupted 1.00, 0.96; chunks 1.00, 0.99; redelivered 0.99, 1.00; injected 0.80,
0.92; noisy 0.99, 0.95. Of N: clean 1.00, 0.98; words 1.00, 0.95; corrections 1.00, 0.96; distractors 0.88, 1.00;
noisy 1.00, 0.95; the others 1.00, 1.00. Of O, run before N was mended and after with the same result: clean 0.99,
0.97; words 0.98, 0.93; distractors 0.67, 0.94; chunks 1.00, 0.96; noisy 1.00, 0.95; the others 1.00, 1.00. Of P:
clean 0.99, 0.93; corrections 1.00, 0.97; noisy 0.97, 0.97; the others 1.00, 1.00. Nine cases of A to M were judged
anew after their first run: where the rules demand "missing", or where more was stated than had been written down. The
figures above count them as they were first written. "variants" are cases of the same kind as a batch's misreads,
written before these were mended by the one who mended them.
"""

import re
import sys
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.scoring import BlockReader, CallReader, Reading, SpeechReader, TextReader, decide
from support.score_cases import Case, Scores, Tally, cases, rubric, scores, talk

# What the quotes of the text model's answers are from.
SAID = talk("C: Well, I think, you know, a first quote; second quote. I have went a stone's throw.")

SPEECH = ("clean", "words", "corrections", "distractors", "interrupted", "chunks", "redelivered", "injected", "noisy")


def report_regex(text: str) -> Scores:
    """What the report's two fallback patterns find; the first was shown for fluency and is meant for each criterion."""
    found: Scores = {}
    for name in ("fluency", "vocabulary", "grammar", "pronunciation"):
        pattern = rf"(?:i\s+give\s+you|you\s+(?:get|receive))\s*(?:a|an)?\s*(\d+(?:\.\d+)?)\s*(?:for\s*)?(?:{name})"
        if match := re.search(pattern, text, re.IGNORECASE):
            found[name] = float(match[1])
    overall = r"(?:overall|your overall)\s*(?:band\s*)?(?:score)\s*(?:is|would be)\s*(\d+(?:\.\d+)?)"
    if match := re.search(overall, text, re.IGNORECASE):
        found["overall"] = float(match[1])
    return found


def readings(case: Case) -> list[Reading]:
    if case.category == "call":
        return CallReader(case.rubric).read(case.said, 1.0)
    if case.category == "text":
        return TextReader(case.rubric, SAID).read(case.said, 1.0)
    if case.category == "block":
        return BlockReader(case.rubric).read(case.utterances)
    return SpeechReader(case.rubric).read(case.utterances)


def counted() -> dict[str, dict[str, Tally]]:
    """Per reader, and for speech per category as well, the tally of each criterion and of "all" of them."""
    out: defaultdict[str, defaultdict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))

    def add(reader: str, got: Scores, expected: Scores) -> None:
        out[reader]["all"].add(got, expected)
        for criterion in {*got, *expected}:
            here = [{name: value for name, value in side.items() if name == criterion} for side in (got, expected)]
            out[reader][criterion].add(*here)

    for case in cases():
        read = readings(case)
        source = "speech" if case.category in SPEECH else case.category
        verdict = decide(case.rubric, read)
        together = {
            s.criterion: s.label or s.value for s in verdict.scores if s.value is not None and s.source != "computed"
        }
        add(source, scores(read), case.expected)
        add("all readers", together, case.expected)
        if source == "speech":
            add(f"speech, {case.category}", scores(read), case.expected)
            text = " ".join(u.text for u in case.utterances if u.speaker == "examiner")
            add("the report's regexes", report_regex(text), case.expected)
    return {reader: dict(by_criterion) for reader, by_criterion in out.items()}


def table(found: dict[str, dict[str, Tally]]) -> str:
    """Rows of right, wrong, missed, precision and recall: each reader as a whole, then by criterion."""
    lines = [f"{'reader':24}{'criterion':15}{'right':>7}{'wrong':>7}{'missed':>7}{'precision':>11}{'recall':>9}"]
    for reader, by_criterion in sorted(found.items()):
        for criterion, tally in sorted(by_criterion.items(), key=lambda row: (row[0] != "all", row[0])):
            if criterion == "all" or "," not in reader:
                lines.append(
                    f"{reader:24}{criterion:15}{tally.right:7}{tally.wrong:7}{tally.missed:7}"
                    f"{tally.precision:11.4f}{tally.recall:9.4f}"
                )
    return "\n".join(lines)


def test_the_table_is_large_and_has_every_category() -> None:
    assert len(cases()) >= 1500
    assert {case.category for case in cases()} == {*SPEECH, "block", "call", "text"}


def test_readers_are_right_and_miss_little_and_the_regexes_do_worse(capsys: pytest.CaptureFixture[str]) -> None:
    found = counted()
    with capsys.disabled():
        sys.stderr.write(f"\n{table(found)}\n")
    baseline = found.pop("the report's regexes")
    for reader, by_criterion in found.items():
        for criterion, tally in by_criterion.items():
            if "," not in reader or criterion == "all":
                assert tally.precision >= 0.99, (reader, criterion)
                assert tally.recall >= 0.97, (reader, criterion)
    for criterion in ("fluency", "vocabulary", "grammar", "pronunciation", "overall"):
        assert baseline[criterion].precision <= found["speech"][criterion].precision
        assert baseline[criterion].recall < found["speech"][criterion].recall


@pytest.mark.parametrize("category", [*SPEECH, "block", "call", "text"])
def test_every_case_of_the_table_is_read_as_it_was_said(category: str) -> None:
    misread = [
        f"{case.said}\n  expected {case.expected}, read {scores(readings(case))}"
        for case in cases()
        if case.category == category and not case.unread and scores(readings(case)) != case.expected
    ]
    assert not misread, "\n".join(misread)


def test_what_is_known_not_to_be_read_is_left_out_and_never_read_wrongly() -> None:
    unread = [case for case in cases() if case.unread]
    assert len(unread) < len(cases()) / 100
    for case in unread:
        read = scores(readings(case))
        assert read.items() < case.expected.items(), case.said


PLAIN = [
    case for case in cases() if case.category in {"clean", "words"} and isinstance(case.said, str) and not case.unread
]


# What makes these no scores comes after them; broken off here nobody could tell.
TAKEN_BACK = ("I'd give you a hundred for pronunciation",)


# In parts, so that none of them comes near the time limit of a test on a busy machine.
PARTS = 6


@pytest.mark.parametrize("part", range(PARTS))
def test_a_speaker_broken_off_behind_any_word_is_never_read_wrongly(part: int) -> None:
    misread: list[str] = []
    for case in PLAIN[part::PARTS]:
        reader = SpeechReader(case.rubric)
        for word in re.finditer(r"\S+", case.said):
            said = case.said[: word.end()]
            read = scores(reader.read(talk(f"E~: {said}")))
            if said not in TAKEN_BACK and not read.items() <= case.expected.items():
                misread.append(f"{said}\n  expected no more than {case.expected}, read {read}")
    assert not misread, "\n".join(misread)


@given(st.sampled_from(PLAIN), st.floats(0, 1))
def test_what_is_begun_and_then_delivered_whole_is_never_read_wrongly(case: Case, share: float) -> None:
    half = case.said[: int(share * len(case.said))]
    read = scores(SpeechReader(case.rubric).read(talk(f"E~: {half}", f"E: {case.said}")))
    assert read.items() <= case.expected.items()


@given(st.sampled_from(PLAIN))
def test_what_is_delivered_twice_is_read_once(case: Case) -> None:
    assert scores(SpeechReader(case.rubric).read(talk(f"E: {case.said}", f"E: {case.said}"))) == case.expected


@given(st.sampled_from(PLAIN))
def test_no_word_of_the_caller_becomes_a_score(case: Case) -> None:
    reader, block = SpeechReader(case.rubric), BlockReader(case.rubric)
    said = talk(f"C: {case.said}", f"C: [{case.rubric.block}] {case.said} [/{case.rubric.block}]", "E: Thank you.")
    assert scores([*reader.read(said), *block.read(said)]) == {}


def test_the_rubrics_of_the_project_differ_in_scale() -> None:
    assert rubric("cefr").scale.describe().startswith("one of A1")
    assert rubric("percent").scale.describe() == "a number from 0 to 100 in steps of 1"
