"""How well the readers read: precision and recall over the table, beside the two regexes of the report."""

import re
import sys
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.score_cases import Case, Scores, Tally, cases, rubric, scores, talk

from core.scoring import BlockReader, CallReader, Reading, SpeechReader, TextReader, decide

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
        return TextReader(case.rubric).read(case.said, 1.0)
    if case.category == "block":
        return BlockReader(case.rubric).read(case.utterances)
    return SpeechReader(case.rubric).read(case.utterances)


def tallies() -> dict[str, Tally]:
    out: defaultdict[str, Tally] = defaultdict(Tally)
    for case in cases():
        read = readings(case)
        source = "speech" if case.category in SPEECH else case.category
        verdict = decide(case.rubric, read)
        together = {
            s.criterion: s.label or s.value for s in verdict.scores if s.value is not None and s.source != "computed"
        }
        out[f"speech, {case.category}" if source == "speech" else source].add(scores(read), case.expected)
        out["all"].add(together, case.expected)
        if source == "speech":
            out["speech"].add(scores(read), case.expected)
            text = " ".join(u.text for u in case.utterances if u.speaker == "examiner")
            out["the report's regexes"].add(report_regex(text), case.expected)
    return dict(out)


def test_the_table_is_large_and_has_every_category() -> None:
    assert len(cases()) >= 600
    assert {case.category for case in cases()} == {*SPEECH, "block", "call", "text"}


def test_readers_are_right_and_miss_little_and_the_regexes_do_worse(capsys: pytest.CaptureFixture[str]) -> None:
    found = tallies()
    with capsys.disabled():
        sys.stdout.write(f"\n{'reader':24}{'right':>7}{'wrong':>7}{'missed':>7}{'precision':>11}{'recall':>9}\n")
        for name, tally in sorted(found.items()):
            sys.stdout.write(
                f"{name:24}{tally.right:7}{tally.wrong:7}{tally.missed:7}{tally.precision:11.4f}{tally.recall:9.4f}\n"
            )
    baseline = found.pop("the report's regexes")
    for name, tally in found.items():
        assert tally.precision >= 0.99, name
        assert tally.recall >= 0.97, name
    assert baseline.precision < found["speech"].precision
    assert baseline.recall < found["speech"].recall


@pytest.mark.parametrize("category", [*SPEECH, "block", "call", "text"])
def test_every_case_of_the_table_is_read_as_it_was_said(category: str) -> None:
    misread = [
        f"{case.said}\n  expected {case.expected}, read {scores(readings(case))}"
        for case in cases()
        if case.category == category and scores(readings(case)) != case.expected
    ]
    assert not misread, "\n".join(misread)


PLAIN = [case for case in cases() if case.category in {"clean", "words"} and isinstance(case.said, str)]


@given(st.sampled_from(PLAIN), st.floats(0, 1))
def test_a_speaker_broken_off_anywhere_is_never_read_wrongly(case: Case, share: float) -> None:
    said = case.said[: max(1, int(share * len(case.said)))]
    if said.strip():
        read = scores(SpeechReader(case.rubric).read(talk(f"E~: {said}")))
        assert read.items() <= case.expected.items()


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
