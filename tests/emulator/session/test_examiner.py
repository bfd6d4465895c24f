from random import Random

import pytest

from gemini_live_emulator import scenario as settings
from gemini_live_emulator.protocol.functions import Function
from gemini_live_emulator.session.examiner import Examiner, Progress, Reply

FUNCTION = Function("report_score", {"properties": {"overall": {"type": "number"}}}, None)


def examiner(**plan: object) -> Examiner:
    plan.setdefault("questions", ("Q1?", "Q2?"))
    return Examiner(settings.Examiner.model_validate(plan), Random(0), (FUNCTION,))


def talk(it: Examiner, *turns: str) -> list[Reply]:
    replies: list[Reply] = []
    for words in turns:
        reply = it.answer(words)
        it.delivered(reply)
        replies.append(reply)
    return replies


def test_it_greets_asks_waits_and_closes() -> None:
    texts = [reply.text for reply in talk(examiner(), "begin", "one", "two")]
    assert texts == [
        "Hello, and welcome. Q1?",
        "Thank you. Q2?",
        "Thank you. That is the end of the test. Your scores are: fluency 6.5, vocabulary 6, grammar 6, "
        "pronunciation 7, and overall 6.5.",
    ]


def test_it_calls_the_function_with_the_last_reply() -> None:
    replies = talk(examiner(), "begin", "one", "two")
    assert [len(reply.calls) for reply in replies] == [0, 0, 1]
    assert (replies[2].calls[0].name, replies[2].calls[0].args) == ("report_score", {"overall": 6.5})


def test_answers_are_remembered() -> None:
    it = examiner()
    talk(it, "begin", "one", "two")
    assert it.progress.answers == ("one", "two")


def test_a_question_cut_off_was_not_asked_and_the_answer_goes_on() -> None:
    it = examiner()
    talk(it, "begin")
    it.delivered(it.answer("first half"), fraction=0.2)
    it.delivered(it.answer("second half"))
    assert it.progress.answers == ("first half second half",)
    assert it.progress.asked == 2


def test_it_says_its_question_again_when_it_is_asked_to_unless_that_was_answered() -> None:
    it = examiner()
    texts = [reply.text for reply in talk(it, "begin", "There was no sound: say it again.", "one")]
    assert texts[1:] == ["Q1?", "Thank you. Q2?"]
    it.delivered(it.answer("two"), fraction=0.2)
    assert talk(it, "Say it again.")[0].text.startswith("Thank you. That is the end")


def test_after_the_end_it_only_says_so() -> None:
    assert talk(examiner(), "begin", "one", "two", "and now?")[-1].text == "The test is over. Thank you."


def test_a_speaking_examiner_asks_a_silent_candidate_once_more() -> None:
    texts = [r.text for r in talk(examiner(kind="speaking"), "begin", "", "")]
    assert texts[1:] == ["Sorry, I did not hear that. Q1?", "Thank you. Q2?"]


@pytest.mark.parametrize(
    ("ending", "end"),
    [
        ({"speak": "two"}, "Your scores are: fluency 6.5, vocabulary 6."),
        ({"speak": "none"}, "That is the end of the test."),
        ({"numbers": "words"}, "pronunciation seven, and overall six point five."),
        ({"promise": True}, "I will now report your scores."),
        ({"block": True}, "pronunciation: 7 overall: 6.5 [/BAND_SCORES]"),
    ],
)
def test_an_ending_is_spoken_as_the_scenario_says(ending: dict[str, object], end: str) -> None:
    assert talk(examiner(ending=ending), "begin", "one", "two")[-1].text.endswith(end)


@pytest.mark.parametrize(
    ("ending", "calls"),
    [
        ({"call": "none"}, []),
        ({"chance": 0.0}, []),
        ({"when": "when asked"}, []),
        ({"call": "empty"}, [("report_score", {})]),
        ({"call": "malformed"}, [("report_score", {"scores": "6.5, 6, 6"})]),
        ({"call": "unknown"}, [("finish_exam", {"overall": 6.5})]),
        ({"call": "twice"}, [("report_score", {"overall": 6.5})] * 2),
    ],
)
def test_an_ending_calls_as_the_scenario_says(ending: dict[str, object], calls: list[object]) -> None:
    assert [(c.name, c.args) for c in talk(examiner(ending=ending), "begin", "one", "two")[-1].calls] == calls


def test_it_calls_when_asked_by_name_and_only_once() -> None:
    it = examiner(ending={"when": "when asked"})
    asked, again = talk(it, "begin", "one", "two", "Call report_score now.", "Call report_score now.")[3:]
    assert [c.name for c in asked.calls] == ["report_score"]
    assert again.calls == ()


@pytest.mark.parametrize(("ending", "calls"), [({"chance": 0.0}, 1), ({"call": "none"}, 0), ({}, 0)])
def test_a_call_that_did_not_come_can_be_asked_for(ending: dict[str, object], calls: int) -> None:
    replies = talk(examiner(ending=ending), "begin", "one", "two", "Call report_score now.")
    assert len(replies[-1].calls) == calls


def test_a_call_taken_back_can_be_asked_for() -> None:
    it = examiner()
    talk(it, "begin", "one", "two")
    it.cancelled()
    assert len(talk(it, "Call report_score now.")[0].calls) == 1


def test_without_a_function_nothing_is_called() -> None:
    it = examiner()
    it.functions = ()
    assert talk(it, "begin", "one", "two")[-1].calls == ()


def test_it_repeats_itself_once_where_the_scenario_says() -> None:
    it = examiner(repeats=(1,))
    talk(it, "begin")
    alone = it.unprompted()
    assert alone is not None
    assert (alone[0], alone[1].text) == (2.0, "Q1?")
    it.delivered(alone[1])
    assert it.unprompted() is None


def test_it_goes_on_too_early_where_the_scenario_says() -> None:
    it = examiner(early=(2,))
    talk(it, "begin", "one")
    alone = it.unprompted()
    assert alone is not None
    assert "Your scores are" in alone[1].text


def test_it_says_goodbye_unless_the_scenario_forbids_it() -> None:
    assert examiner().thanks() == Reply(("Goodbye.",), Progress())
    assert examiner(ending={"farewell": ""}).thanks() is None
