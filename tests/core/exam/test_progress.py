"""Where the exam is, by what was said."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.exam.plan import ExamPlan
from core.exam.progress import AnswerExpected, ExamMachine, PartOver, Progress, ScoringExpected, likeness

EXAMS = Path(__file__).parents[3] / "configs" / "exams"
NAME, TOWN, WEEKEND = (
    "Hello, and welcome. What is your name, and where do you live?",
    "Thank you. What is your town like?",
    "I see. What will you do this weekend?",
)


def plan(name: str = "short") -> ExamPlan:
    return ExamPlan.model_validate(yaml.safe_load((EXAMS / f"{name}.yaml").read_text(encoding="utf-8")))


class Exam:
    """A machine, and a clock that goes on with every utterance."""

    def __init__(self, of: ExamPlan | None = None) -> None:
        self.machine = ExamMachine(of or plan())
        self.now = 0.0
        self.did: list[object] = []

    def ask(self, text: str, seconds: float = 3.0) -> list[object]:
        """The examiner says it and stops."""
        started = self.now
        self.did = [*self.machine.examiner_speaks(True, self.now)]
        self.now += seconds
        self.did += self.machine.examiner_said(text, started, self.now)
        self.did += self.machine.examiner_speaks(False, self.now)
        return self.did

    def answer(self, seconds: float = 5.0) -> list[object]:
        """The caller speaks."""
        self.did = [*self.machine.caller_began(self.now)]
        self.now += seconds
        self.did += self.machine.caller_stopped(self.now)
        self.now += 0.5
        return self.did

    def at(self) -> int | None:
        """The number of the question the last utterance led to."""
        return next((action.number for action in self.did if isinstance(action, Progress)), None)


def test_a_plain_exam_is_followed_from_question_to_question_until_scores_are_expected() -> None:
    exam = Exam()
    assert exam.ask(NAME) == [
        Progress(1, 3, "Interview", "What is your name, and where do you live?"),
        AnswerExpected(None, 1.0),
        ScoringExpected(False),
    ]
    assert exam.answer() == []
    exam.ask(TOWN)
    assert exam.at() == 2
    exam.answer()
    exam.ask(WEEKEND)
    assert exam.at() == 3
    assert exam.answer() == [ScoringExpected(True)]
    assert exam.ask("Thank you. That is the end. Fluency is six.") == []


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("Right. And tell me, what's your town like to live in? What is your town like?", 2),
        ("Now, tell me, what is your town really like?", 2),
        ("Lovely. What are you going to do this weekend, then?", None),
        ("And what will you do this coming weekend?", 3),
    ],
)
def test_paraphrases_are_recognised_where_their_core_is_left(said: str, number: int | None) -> None:
    exam = Exam()
    exam.ask(NAME)
    exam.ask(said)  # nothing was answered, so nothing is counted
    assert exam.at() == number


def test_a_question_that_is_not_recognised_counts_as_the_next_once_the_last_was_answered() -> None:
    exam = Exam()
    exam.ask("Good day! Who are you, please?")
    assert exam.at() == 1
    exam.ask("Sorry, can you hear me?")
    assert exam.at() is None
    exam.answer()
    exam.ask("How is it where you grew up?")
    assert exam.at() == 2


def test_what_is_recognised_corrects_what_was_counted() -> None:
    exam = Exam()
    exam.ask(NAME)
    exam.answer()
    exam.ask("Sorry, is that Sackville in Canada?")
    assert exam.at() == 2
    exam.answer()
    exam.ask(TOWN)
    assert exam.at() is None, "it is where the count had put it"
    exam.answer()
    exam.ask("And would you call it a quiet place?")
    assert exam.at() == 3
    assert exam.answer() == [ScoringExpected(True)]
    assert ScoringExpected(False) in exam.ask(WEEKEND), "another question: the answer to it comes first"
    assert exam.answer() == [ScoringExpected(True)]


def test_skipped_and_merged_questions_are_tolerated() -> None:
    exam = Exam()
    exam.ask(NAME)
    exam.answer()
    exam.ask("What is your town like, and what will you do this weekend?")
    assert exam.at() == 3
    skipping = Exam()
    skipping.ask(NAME)
    skipping.answer()
    skipping.ask(WEEKEND)
    assert skipping.at() == 3


def test_a_question_asked_again_is_waited_for_again() -> None:
    exam = Exam()
    for question in (NAME, TOWN, WEEKEND):
        exam.ask(question)
        exam.answer(1.0)
    assert exam.ask("Sorry, I did not hear that. What will you do this weekend?") == [
        AnswerExpected(None, 1.0),
        ScoringExpected(False),
    ]


def test_closing_words_end_the_exam_early_but_the_end_of_a_part_does_not() -> None:
    exam = Exam(plan("speaking"))
    exam.ask("Good day, I am your examiner, and this is the speaking test. What is your full name?")
    assert exam.at() == 1
    exam.answer()
    assert exam.ask("Thank you. That is the end of part one.") == []
    assert exam.ask("Thank you. That is the end of the test.") == [ScoringExpected(True)]
    assert exam.ask("Where do you come from, and what do you like about that place?") == []


def test_the_long_turn_waits_longer_than_an_interview_question() -> None:
    exam = Exam(plan("speaking"))
    exam.ask("Where do you come from, and what do you like about that place?")
    exam.answer()
    card = "Describe a place that you would like to visit again. You should say where it is, when you were there,"
    exam.ask(f"Here it is. {card} what you did, and explain why you would like to go back.")
    assert exam.at() == 7
    assert AnswerExpected(3.0, 20.0, 60.0) in exam.did
    exam.answer(60)
    exam.ask("Would you take a friend there?")
    assert exam.at() == 8
    exam.answer()
    exam.ask("Is it far away?")
    assert exam.at() is None, "the next part begins with its introduction"
    exam.answer()
    exam.ask("We have been talking about a topic, and I would like to ask you some more general questions about it.")
    exam.ask("Why do people travel?")
    assert exam.at() == 9
    assert AnswerExpected(1.2, 4.0) in exam.did


def test_a_part_that_takes_too_long_is_left_when_the_caller_has_finished() -> None:
    exam = Exam(plan("speaking"))
    exam.ask("What is your full name?")
    exam.answer(10)
    exam.now = 300.0
    exam.ask("Where do you come from, and what do you like about that place?")
    assert exam.machine.deadline() == exam.now + 8.0
    exam.machine.caller_began(exam.now)
    assert exam.machine.deadline() is None, "never while the caller speaks"
    [over] = exam.answer(20)
    assert isinstance(over, PartOver) and "Begin part 2, long turn, now, with question 7" in over.instruction
    exam.ask(WEEKEND)
    assert exam.answer() == [], "it is said once"


def test_a_part_whose_questions_are_all_answered_is_left_without_an_instruction() -> None:
    parts = [{"name": "a", "minutes": 1, "questions": ["Why is it so?"]}, {"name": "b", "questions": ["Where is it?"]}]
    exam = Exam(ExamPlan.model_validate({"name": "t", "parts": parts}))
    exam.ask("Why is it so?")
    exam.now = 70.0
    assert exam.answer() == []
    assert exam.machine.deadline() is None


def test_an_exam_that_takes_too_long_is_closed_and_scored() -> None:
    exam = Exam()
    exam.ask(NAME)
    exam.now = 320.0
    deadline = exam.machine.deadline()
    assert deadline is not None and exam.machine.tick(deadline - 1) == []
    over, scores = exam.machine.tick(deadline)
    assert isinstance(over, PartOver) and "Ask nothing more" in over.instruction
    assert scores == ScoringExpected(True)
    assert exam.machine.deadline() is None


def test_scores_may_be_expected_at_the_time_limit_only() -> None:
    talk = ExamPlan.model_validate(
        {"name": "t", "minutes": 2, "scoring": "time limit", "parts": [{"name": "p", "questions": ["Why is it so?"]}]}
    )
    exam = Exam(talk)
    exam.ask("Why is it so?")
    exam.answer()
    exam.ask("And why is that?")
    assert exam.answer() == []
    exam.now = 121.0
    assert ScoringExpected(True) in exam.answer()
    assert "Go on with questions on the same topics" in talk.instructions()


def test_a_question_that_the_caller_answers_before_its_text_is_known_is_answered() -> None:
    machine = ExamMachine(plan())
    machine.caller_began(8.0)
    machine.caller_stopped(12.0)
    assert ScoringExpected(True) in machine.examiner_said(WEEKEND, 3.0, 13.0)


def test_progress_is_summed_up_in_a_sentence() -> None:
    exam = Exam()
    assert exam.machine.progress_summary() == ""
    exam.ask(NAME)
    assert exam.machine.progress_summary().startswith("You have asked question 1 (What is your name")
    exam.answer()
    summary = exam.machine.progress_summary()
    assert "unless the answer is among what you hear next" in summary, "the answer may be replayed to the model"
    exam.machine.caller_said()
    assert exam.machine.progress_summary() == "Question 1 is done. Go on with question 2: What is your town like?"
    exam.ask(TOWN)
    exam.answer()
    exam.ask(WEEKEND)
    assert exam.machine.progress_summary().startswith("Questions 1 to 2 are done. You have asked question 3")
    exam.answer()
    assert exam.machine.progress_summary() == ""


def test_progress_has_a_summary_when_the_last_question_is_repeated_after_its_answer() -> None:
    exam = Exam()
    for question in (NAME, TOWN, WEEKEND):
        exam.ask(question)
        exam.answer()
        exam.machine.caller_said()
    exam.ask(WEEKEND)
    summary = exam.machine.progress_summary()
    assert summary.startswith("Questions 1 to 2 are done. You have asked question 3")


def test_after_scores_were_asked_for_nothing_is_a_question_of_the_plan() -> None:
    exam = Exam()
    exam.ask(NAME)
    assert exam.machine.scores_begun() == [ScoringExpected(True)]
    assert exam.ask(TOWN) == []


def test_likeness_needs_more_than_one_word_in_common() -> None:
    assert likeness("I like it.", "What is your town like?") == 0
    assert likeness("", "What is your town like?") == 0
    assert likeness(TOWN, "What is your town like?") == 1


WORDS = st.sampled_from([NAME, TOWN, WEEKEND, "Pardon?", "I see.", "Thank you. That is the end.", "Why?", ""])


@given(st.lists(st.tuples(st.sampled_from(["ask", "answer", "wait"]), WORDS), max_size=30))
def test_whatever_is_said_progress_is_within_the_plan_and_no_deadline_is_in_the_past(
    steps: list[tuple[str, str]],
) -> None:
    exam = Exam()
    expected: list[bool] = []
    for step, text in steps:
        match step:
            case "ask":
                exam.ask(text)
            case "answer":
                exam.answer()
            case _:
                exam.now += 100
                exam.did = list(exam.machine.tick(exam.now))
        assert (exam.at() or 1) in (1, 2, 3)
        expected += [action.expected for action in exam.did if isinstance(action, ScoringExpected)]
        if (when := exam.machine.deadline()) is not None:
            assert when >= exam.machine._quiet_since  # pyright: ignore[reportPrivateUsage]
    assert all(one != after for one, after in pairwise(expected)), "said only when it changes"


def test_a_question_that_is_asked_again_after_its_answer_is_open_again() -> None:
    exam = Exam()
    exam.ask(NAME)
    exam.answer()
    exam.machine.caller_said()
    exam.ask(NAME)
    assert exam.machine.progress_summary().startswith("You have asked question 1 (What is your name")
    exam.answer()
    exam.machine.caller_said()
    assert exam.machine.progress_summary() == "Question 1 is done. Go on with question 2: What is your town like?"


def test_a_follow_up_does_not_pass_for_the_next_question_of_the_plan() -> None:
    exam = Exam()
    exam.ask(NAME)
    exam.answer()
    exam.machine.caller_said()
    exam.ask("Really? How come?")
    summary = exam.machine.progress_summary()
    assert summary == (
        "Question 1 is done. Since then you have asked a question that you chose or worded yourself, and have not heard"
        " the whole answer to the last. Go on with question 2, unless that is what you have asked: What is your town"
        " like?"
    )
    exam.answer()
    exam.machine.caller_said()
    assert "that you chose or worded yourself. Go on with question 2, unless" in exam.machine.progress_summary()
    exam.ask(TOWN)
    assert exam.machine.progress_summary().startswith("Question 1 is done. You have asked question 2")


def test_only_questions_that_were_recognised_are_called_done() -> None:
    exam = Exam()
    exam.ask("So, tell me, who are you?")
    assert exam.machine.progress_summary() == (
        "You have asked a question that you chose or worded yourself. Go on with the first question of the test that"
        " has not been answered."
    )
    exam.answer()
    exam.machine.caller_said()
    exam.ask(WEEKEND)
    summary = exam.machine.progress_summary()
    assert summary.startswith("You have asked question 3 (") and "are done" not in summary


def test_a_follow_up_to_the_last_answer_leaves_the_last_question_done() -> None:
    exam = Exam()
    for question in (NAME, TOWN, WEEKEND):
        exam.ask(question)
        exam.answer()
        exam.machine.caller_said()
    exam.ask("Anything else?")
    summary = exam.machine.progress_summary()
    assert summary.startswith("Questions 1 to 3 are done. Since then you have asked a question")
    assert "question 3 (" not in summary


def test_when_all_is_answered_and_the_time_goes_on_nothing_is_said_to_be_open() -> None:
    timed = plan().model_copy(update={"scoring": "time limit", "minutes": 9.0})
    exam = Exam(timed)
    for question in (NAME, TOWN, WEEKEND):
        exam.ask(question)
        exam.answer()
        exam.machine.caller_said()
    assert exam.machine.progress_summary() == "Questions 1 to 3 are done. Go on with questions on the same topics."


CHOICE = ("What do you like to cook?", "Where do you go on holiday?", "Which books have you read?")


def test_of_a_choice_only_what_was_not_asked_is_offered() -> None:
    questions = [{"choose": 3, "of": list(CHOICE)}]
    exam = Exam(ExamPlan.model_validate({"name": "c", "parts": [{"name": "One", "questions": questions}]}))
    left = ["one of these: What do you like to cook? / Which books have you read?", "Which books have you read?"]
    for question, after in zip((CHOICE[1], CHOICE[0]), left, strict=True):
        exam.ask(question)
        exam.answer()
        exam.machine.caller_said()
        assert exam.machine.progress_summary().endswith(after)


@pytest.mark.parametrize("mark", ["?", "？", "؟", "\u037e"])
def test_every_script_has_its_question_mark(mark: str) -> None:
    exam = Exam()
    exam.ask(NAME)
    exam.answer()
    exam.ask(f"Sorry, how come{mark}")
    assert exam.at() == 2
    assert exam.machine.examiner_said(f"Thank you. That is the end of the test{mark}", exam.now, exam.now) != [
        ScoringExpected(True)
    ]


def test_questions_in_scripts_without_blanks_are_recognised() -> None:
    questions = ["你叫什么名字？", "你住在哪里？", "你周末打算做什么？"]
    exam = Exam(ExamPlan.model_validate({"name": "c", "parts": [{"name": "一", "questions": questions}]}))
    exam.ask("你好！请问你叫什么名字？")
    exam.answer()
    exam.machine.caller_said()
    exam.ask("好的。那你周末打算做什么呢？")
    assert exam.at() == 3
    assert exam.machine.asked == 2


def test_the_questions_that_were_asked_are_counted_also_two_in_one_breath() -> None:
    exam = Exam()
    assert exam.machine.asked == 0
    exam.ask(NAME)
    exam.ask(NAME)
    assert exam.machine.asked == 1
    exam.answer()
    exam.ask("What is your town like, and what will you do this weekend?")
    assert exam.machine.asked == 3
