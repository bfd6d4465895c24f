"""A question asked again is noticed while it is being spoken; a courtesy, a like question and a wished one are not."""

from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.exam.repetition import Repeated, RepetitionMachine, asks_to_repeat, similarity

QUESTION = "Could you tell me something about the town where you grew up?"
OTHER = "What do you usually do with your friends at the weekend?"
ROOT = Path(__file__).parents[3]


def say(machine: RepetitionMachine, text: str, now: float = 1.0, *, interrupted: bool = False) -> Repeated | None:
    """A whole reply, word by word."""
    words = text.split(" ")
    found = [machine.examiner_text(word if n == 0 else " " + word, now) for n, word in enumerate(words)]
    return next((one for one in [*found, machine.reply_done(interrupted=interrupted)] if one is not None), None)


def answer(machine: RepetitionMachine, text: str) -> None:
    machine.caller_began()
    machine.caller_text(text)


def test_the_same_question_in_nearly_the_same_words_is_a_repetition() -> None:
    machine = RepetitionMachine()
    assert say(machine, f"Thank you. {QUESTION}") is None
    answer(machine, "It is a small university town by the sea.")
    found = say(machine, "So, could you tell me something about the town where you grew up, please?")
    assert found is not None and found.similarity >= 0.8 and found.answered


def test_it_is_reported_before_its_last_word_and_once() -> None:
    machine = RepetitionMachine()
    say(machine, QUESTION)
    told = [machine.examiner_text(word + " ", 2.0) for word in QUESTION.split()]
    [(at, found)] = [(n, one) for n, one in enumerate(told) if one is not None]
    assert 7 <= at < len(told) - 1
    assert not found.answered, "nobody has answered it"
    assert machine.reply_done(interrupted=False) is None


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("Thank you very much for that.", "Thank you very much."),
        ("Now I would like you to tell me about your family.", "Now I would like you to tell me about your work."),
        ("What do you like about your work?", "What do you like about your town?"),
        ("How often do you eat in a restaurant?", "How often do you go to a museum?"),
        ("Do you prefer to read books or to watch films?", "Do you prefer to cook at home or to eat out?"),
        (
            "Describe a person who taught you something useful. You should say who the person is.",
            "Describe a place that you would like to visit again. You should say where it is.",
        ),
    ],
)
def test_courtesies_and_questions_of_one_pattern_are_not(said: str, again: str) -> None:
    machine = RepetitionMachine()
    say(machine, said)
    answer(machine, "I like it very much.")
    assert say(machine, again) is None


@pytest.mark.parametrize(
    ("words", "legitimate"),
    [
        ("Sorry, could you repeat that?", True),
        ("Pardon?", True),
        ("I didn't quite catch the question.", True),
        ("Can you say that again please", True),
        ("What?", True),
        ("I can't hear you.", True),
        ("Excuse me, what did you say?", True),
        ("It is a small town and I like its people.", False),
        ("What I like is the sea.", False),
        (
            "I would go there again and again. "
            + "It has a lovely beach and a very old harbour with boats in it, too.",
            False,
        ),
    ],
)
def test_what_the_candidate_asked_to_hear_again_is_legitimate(words: str, legitimate: bool) -> None:
    assert asks_to_repeat(words) is legitimate
    machine = RepetitionMachine()
    say(machine, QUESTION)
    answer(machine, words)
    assert (say(machine, QUESTION) is None) is legitimate


def test_a_request_whose_words_come_late_counts_too() -> None:
    machine = RepetitionMachine()
    say(machine, QUESTION)
    machine.caller_began()
    assert machine.examiner_text(QUESTION, 3.0) is None, "the candidate has spoken, and it is not known what"
    machine.caller_text("Sorry, again please?")
    assert machine.reply_done(interrupted=False) is None


def test_without_the_candidates_words_it_is_reported_when_the_reply_is_over() -> None:
    machine = RepetitionMachine()
    say(machine, QUESTION)
    machine.caller_began()
    assert machine.examiner_text(QUESTION, 3.0) is None
    assert machine.reply_done(interrupted=False) is not None


def test_what_nobody_heard_out_may_be_said_again() -> None:
    machine = RepetitionMachine()
    say(machine, QUESTION)
    answer(machine, "Yes.")
    say(machine, OTHER, interrupted=True)
    answer(machine, "Well, it was nice.")
    assert say(machine, OTHER) is None, "it was never asked"
    answer(machine, "We play football.")
    assert say(machine, QUESTION) is not None


def test_after_an_interruption_one_reply_may_repeat() -> None:
    machine = RepetitionMachine()
    say(machine, QUESTION)
    say(machine, "I see. Thank you.", interrupted=True)
    assert say(machine, QUESTION) is None
    assert say(machine, QUESTION) is not None


def test_a_long_silence_may_be_asked_into() -> None:
    machine = RepetitionMachine()
    say(machine, QUESTION, 1.0)
    machine.playback_ended(5.0)
    assert say(machine, QUESTION, 16.0) is None
    machine.playback_ended(20.0)
    assert say(machine, QUESTION, 22.0) is not None


def lines_of(value: Any) -> Iterable[str]:
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from lines_of(one)
        case list():
            for one in value:
                yield from lines_of(one)
        case _:
            pass


def test_no_two_lines_of_our_exams_are_taken_for_each_other() -> None:
    files = [
        *(ROOT / "emulator" / "gemini_live_emulator" / "scenarios").glob("*.yaml"),
        *(ROOT / "configs" / "exams").glob("*.yaml"),
    ]
    lines = {line for file in files for line in lines_of(yaml.safe_load(file.read_text(encoding="utf-8")))}
    lines |= set((ROOT / "configs" / "prompts" / "examiner.md").read_text(encoding="utf-8").splitlines())
    asked = sorted(line for line in lines if len(line.split()) >= 4)
    assert len(asked) > 20
    for one, other in combinations(asked, 2):
        if one not in other and other not in one:
            assert similarity(one, other) < 0.8 and similarity(other, one) < 0.8
            machine = RepetitionMachine()
            say(machine, one)
            answer(machine, "Yes, I do.")
            found = say(machine, other)
            shared = set(map(str.strip, one.split("."))) & set(map(str.strip, other.split(".")))
            assert found is None or shared, (one, other)


def test_short_texts_resemble_nothing() -> None:
    assert similarity("Yes", "Yes") == 0.0
    assert similarity(QUESTION, QUESTION.upper()) == 1.0
