"""When the examiner is asked for scores, and when nothing more is waited for."""

from hypothesis import given
from hypothesis import strategies as st

from core.scoring.asking import Action, AskCall, AskingMachine, AskingPolicy, AskScores, Finish, SayGoodbye

ALL = ("fluency", "grammar")


class Talk:
    """A machine whose silences pass."""

    def __init__(self, **policy: float) -> None:
        self.machine = AskingMachine(AskingPolicy(**policy))  # pyright: ignore[reportArgumentType]
        self.now = 0.0

    def says(self, stated: int = 0, *missing: str) -> None:
        """The examiner says something in which so many criteria are stated."""
        self.machine.examiner_replies(True, self.now)
        self.now += 3
        self.machine.examiner_said(stated, missing, self.now)
        self.machine.examiner_replies(False, self.now)

    def waits(self) -> tuple[float, list[Action]]:
        """How long everybody is silent until something happens, and what."""
        deadline = self.machine.deadline()
        assert deadline is not None
        waited, self.now = deadline - self.now, deadline
        return waited, self.machine.tick(self.now)


def test_before_scores_are_expected_nothing_is_waited_for() -> None:
    talk = Talk()
    assert talk.machine.deadline() is None
    assert talk.machine.tick(100.0) == []


def test_an_examiner_that_stops_short_is_asked_twice_then_says_goodbye() -> None:
    talk = Talk()
    talk.says(1, "grammar")
    assert talk.waits() == (6.0, [AskScores(("grammar",))])
    talk.says(0, "grammar")
    assert talk.waits() == (6.0, [AskScores(("grammar",))])
    talk.says(0, "grammar")
    assert talk.waits() == (6.0, [SayGoodbye()])
    talk.says(0, "grammar")
    assert talk.waits() == (2.5, [Finish()])
    assert talk.machine.deadline() is None


def test_an_examiner_that_does_not_answer_is_given_time_for_a_lost_connection_and_then_left() -> None:
    talk = Talk()
    talk.machine.scores_expected(True, ALL, talk.now)
    talk.machine.caller_speaks(True, talk.now)
    talk.machine.caller_speaks(False, talk.now)
    assert talk.waits() == (20.0, [AskScores(ALL)])
    assert talk.waits() == (20.0, [AskScores(ALL)])
    assert talk.waits() == (20.0, [Finish()])


def test_scores_that_were_said_and_not_reported_are_asked_for_once() -> None:
    talk = Talk()
    talk.says(2)
    assert talk.waits() == (6.0, [AskCall()])
    talk.says()
    assert talk.waits() == (6.0, [Finish()])


def test_scores_that_were_reported_need_a_farewell_only() -> None:
    talk = Talk()
    talk.machine.called((), talk.now)
    assert talk.waits() == (2.5, [Finish()])


def test_a_call_that_lacks_scores_is_asked_to_be_made_again() -> None:
    talk = Talk()
    talk.machine.called(("grammar",), talk.now)
    assert talk.waits() == (6.0, [AskScores(("grammar",))])
    talk.machine.called((), talk.now)
    assert talk.waits() == (2.5, [Finish()])


def test_nothing_is_asked_while_anybody_speaks() -> None:
    talk = Talk()
    talk.says(1, "grammar")
    for speaks in (talk.machine.examiner_plays, talk.machine.caller_speaks, talk.machine.examiner_replies):
        speaks(True, talk.now)
        assert talk.machine.deadline() is None
        speaks(False, talk.now)
        assert talk.machine.deadline() is not None


def test_one_score_in_the_middle_of_an_exam_is_a_mishearing_and_two_are_not() -> None:
    talk = Talk()
    talk.machine.scores_expected(False, ALL, talk.now)
    talk.says(1, "grammar")
    assert not talk.machine.scoring
    talk.says(2)
    assert talk.machine.scoring


def test_a_call_before_its_time_is_refused_once() -> None:
    machine = AskingMachine(AskingPolicy())
    assert machine.takes_call(0), "nobody knows a plan"
    machine.scores_expected(False, ALL, 0.0)
    assert machine.takes_call(2), "it is giving scores"
    assert not machine.takes_call(1)
    assert machine.takes_call(0)


def test_an_exam_that_does_not_go_on_after_a_refused_call_is_scored() -> None:
    talk = Talk()
    talk.machine.scores_expected(False, ALL, talk.now)
    talk.machine.takes_call(0)
    talk.says(0, *ALL)
    assert talk.waits() == (40.0, [AskScores(ALL)])
    other = Talk()
    other.machine.scores_expected(False, ALL, other.now)
    other.machine.takes_call(0)
    other.machine.caller_speaks(True, other.now)
    other.machine.caller_speaks(False, other.now)
    assert other.machine.deadline() is None, "it goes on"


def test_an_examiner_that_is_not_to_be_asked_is_not() -> None:
    talk = Talk(max_requests=0)
    talk.says(1, "grammar")
    assert talk.waits() == (6.0, [Finish()])
    other = Talk(max_requests=0)
    other.says(2)
    assert other.waits() == (6.0, [Finish()])


def test_after_the_call_nothing_is_waited_for() -> None:
    talk = Talk()
    talk.says(1, "grammar")
    talk.machine.finish()
    assert talk.machine.deadline() is None


def test_an_early_ring_does_nothing() -> None:
    talk = Talk()
    talk.says(1, "grammar")
    assert talk.machine.tick(talk.now + 1) == []


STEPS = st.sampled_from(
    ["expected", "not expected", "said some", "said all", "called", "begins", "stops", "caller", "hush"]
)


@given(st.lists(STEPS, max_size=40), st.integers(0, 3))
def test_every_exam_whose_scores_are_expected_comes_to_an_end(steps: list[str], max_requests: int) -> None:
    talk = Talk(max_requests=max_requests)
    machine = talk.machine
    for step in steps:
        talk.now += 1
        match step:
            case "expected" | "not expected":
                machine.scores_expected(step == "expected", ALL, talk.now)
            case "said some" | "said all":
                talk.says(*((1, "grammar") if step == "said some" else (2,)))
            case "called":
                machine.called((), talk.now)
            case "begins" | "stops":
                machine.examiner_plays(step == "begins", talk.now)
            case _:
                machine.caller_speaks(step == "caller", talk.now)
    machine.scores_expected(True, ALL, talk.now)
    machine.caller_speaks(False, talk.now)
    machine.examiner_plays(False, talk.now)
    did: list[Action] = []
    while machine.deadline() is not None:
        waited, actions = talk.waits()
        assert 0 <= waited <= 20
        did += actions
        assert len(did) < 10
    assert did[-1] == Finish()
    assert sum(isinstance(action, AskScores) for action in did) <= max_requests


def test_a_candidate_who_goes_on_after_complete_scores_does_not_prolong_the_exam() -> None:
    talk = Talk(closing=30.0)
    talk.says(2)
    talk.machine.called((), talk.now)
    complete = talk.now
    while talk.machine.tick(talk.now) != [Finish()]:
        talk.machine.caller_speaks(True, talk.now)
        talk.now += 2
        talk.machine.caller_speaks(False, talk.now)
        talk.says(0)
        assert talk.now < complete + 60
    assert complete + 30 <= talk.now <= complete + 40


def test_a_candidate_who_never_stops_is_cut_off_once_the_scores_are_complete() -> None:
    talk = Talk(closing=30.0)
    talk.says(2)
    complete = talk.now
    talk.machine.caller_speaks(True, talk.now)
    assert talk.machine.deadline() == complete + 30.0
    assert talk.machine.tick(complete + 30.0) == [Finish()] and talk.machine.deadline() is None


def test_scores_before_their_time_end_no_exam_that_goes_on() -> None:
    talk = Talk(closing=30.0)
    talk.machine.scores_expected(False, ALL, 0.0)
    talk.says(2)
    talk.machine.caller_speaks(True, talk.now)
    assert talk.machine.deadline() is None
    talk.machine.scores_expected(True, (), talk.now)
    assert talk.machine.deadline() == talk.now + 30.0
