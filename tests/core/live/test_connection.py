"""The link dials, waits, moves and gives up in time, and forgets nothing that is unanswered."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.live.actions import ConnectionAction, Dial, GiveUp, HangUp
from core.live.close_codes import CloseAction
from core.live.connection import ConnectionPolicy, ConnectionState, LiveConnectionMachine


def live(policy: ConnectionPolicy | None = None) -> LiveConnectionMachine:
    """A link that has been open since 0 s and holds the handle `h1`."""
    link = LiveConnectionMachine(policy or ConnectionPolicy())
    assert link.start(0.0) == [Dial(None, 1, 1)]
    link.opened(0.0)
    link.handle("h1")
    return link


def test_a_lost_link_is_resumed_after_1_2_and_4_seconds_and_then_given_up() -> None:
    link, now = live(), 60.0
    for attempt, delay in enumerate((1.0, 2.0, 4.0), start=2):
        assert link.lost(CloseAction.RESUME, "503", now, reached=False) == []
        assert link.deadline() == now + delay
        assert link.tick(now + delay / 2) == []
        now += delay
        assert link.tick(now) == [Dial("h1", attempt, attempt)]
    assert link.lost(CloseAction.RESUME, "1011 again", now) == [GiveUp("1011 again")]
    assert link.state is ConnectionState.DEGRADED and link.deadline() is None
    assert link.lost(CloseAction.RESUME, "late", now) == []


def test_a_connection_that_held_refills_the_attempts() -> None:
    link = live()
    for number, now in enumerate((100.0, 200.0, 300.0, 400.0, 500.0), start=2):
        assert link.lost(CloseAction.RESUME, "1011", now) == []
        assert link.tick(now + 1) == [Dial("h1", 2, number)]
        link.opened(now + 2)


def test_a_refused_handle_is_dropped() -> None:
    link = live()
    link.lost(CloseAction.FRESH, "Invalid session handle", 20.0)
    assert link.tick(21.0) == [Dial(None, 2, 2)]


def test_a_handle_that_the_service_does_not_let_through_twice_is_dropped() -> None:
    link, now = live(), 60.0
    for attempt, delay, handle in ((2, 1.0, "h1"), (3, 2.0, "h1"), (4, 4.0, None)):
        link.lost(CloseAction.RESUME, "1011", now)
        now += delay
        assert link.tick(now) == [Dial(handle, attempt, attempt)]


def test_an_exhausted_quota_is_not_hammered() -> None:
    link = live(ConnectionPolicy(long_wait=15))
    link.lost(CloseAction.WAIT, "quota", 20.0)
    assert link.tick(34.9) == [] and link.tick(35.0) == [Dial("h1", 2, 2)]


def test_a_fatal_close_is_not_retried() -> None:
    assert live().lost(CloseAction.GIVE_UP, "bad key", 1.0) == [GiveUp("bad key")]


def test_an_announced_end_is_left_at_the_first_quiet_moment() -> None:
    link = live()
    assert link.quiet(500.0) == []
    link.go_away(50.0, 540.0)
    assert link.state is ConnectionState.DRAINING
    assert link.quiet(550.0) == [HangUp(), Dial("h1", 1, 2)]


def test_an_announced_end_is_left_before_it_comes_even_if_nobody_stops_talking() -> None:
    link = live(ConnectionPolicy(margin=5))
    link.go_away(50.0, 540.0)
    link.go_away(300.0, 541.0)  # a second announcement can only hasten it
    assert link.deadline() == 585.0
    assert link.tick(585.0) == [HangUp(), Dial("h1", 1, 2)]


def test_the_known_end_of_a_connection_is_left_in_time_though_nobody_announces_it() -> None:
    link = live(ConnectionPolicy(lifetime=590, lead=60, margin=5))
    assert link.deadline() == 530.0
    assert link.quiet(529.0) == []
    assert link.tick(530.0) == [] and link.state is ConnectionState.DRAINING
    assert link.deadline() == 585.0
    link.handle("h2")
    assert link.quiet(540.0) == [HangUp(), Dial("h2", 1, 2)]


def test_a_handle_that_is_out_of_date_is_waited_for() -> None:
    link = live()
    link.handle(None)
    link.go_away(50.0, 540.0)
    assert link.quiet(541.0) == []
    link.handle("h2")
    assert link.quiet(542.0) == [HangUp(), Dial("h2", 1, 2)]


def test_a_session_that_forgot_is_left_for_one_that_knows_nothing() -> None:
    assert live().begin_afresh("forgot", 3.0) == [HangUp(), Dial(None, 1, 2)]
    waiting = live()
    waiting.lost(CloseAction.RESUME, "1011", 1.0)
    assert waiting.begin_afresh("forgot", 1.5) == []
    assert waiting.tick(2.0) == [Dial(None, 2, 2)]


def test_a_dead_connection_is_left_for_another_at_once() -> None:
    link = live()
    assert link.leave("silent", 20.0) == [HangUp(), Dial("h1", 1, 2)]
    assert link.leave("silent", 20.0) == []
    assert link.why == "silent" and link.deadline() == 20.0 + ConnectionPolicy().dial_timeout


def test_giving_up_hangs_up_and_is_final() -> None:
    link = live()
    assert link.give_up("forgot twice") == [HangUp(), GiveUp("forgot twice")]
    assert link.give_up("again") == [] and link.tick(99.0) == []


def test_a_setup_that_is_never_answered_ends() -> None:
    link = LiveConnectionMachine(ConnectionPolicy(dial_timeout=15))
    link.start(0.0)
    assert link.tick(15.0) == [HangUp()]
    assert link.state is ConnectionState.WAITING and link.deadline() == 16.0


def test_a_handle_that_is_withdrawn_leaves_the_last_good_one() -> None:
    link = live()
    link.handle(None)
    link.lost(CloseAction.RESUME, "1011", 1.0)
    assert link.tick(2.0) == [Dial("h1", 2, 2)]


def test_without_resumption_every_dial_is_fresh() -> None:
    link = live(ConnectionPolicy(resume=False))
    link.lost(CloseAction.RESUME, "1011", 1.0)
    assert link.tick(2.0) == [Dial(None, 2, 2)]


def test_closing_hangs_up_only_what_is_open() -> None:
    assert live().close(1.0) == [HangUp()]
    assert LiveConnectionMachine(ConnectionPolicy()).close(0.0) == []
    gone = live()
    gone.lost(CloseAction.RESUME, "1011", 1.0)
    assert gone.close(1.5) == [] and gone.tick(99.0) == []


moves = st.sampled_from(["opened", "lost", "fresh", "wait", "fatal", "go_away", "quiet", "tick", "close"])


@given(st.lists(st.tuples(moves, st.floats(0, 20)), max_size=40))
def test_no_state_lasts_for_ever_but_the_last_two(steps: list[tuple[str, float]]) -> None:
    link, now = LiveConnectionMachine(ConnectionPolicy()), 0.0
    link.start(now)
    for move, gap in steps:
        now += gap
        open_or_dialing = link.state in (ConnectionState.DIALING, ConnectionState.LIVE, ConnectionState.DRAINING)
        actions: list[ConnectionAction] = []
        match move:
            case "opened" if link.state is ConnectionState.DIALING:
                actions = link.opened(now)
            case "lost" | "fresh" | "wait" | "fatal" if open_or_dialing:
                verdicts = {
                    "lost": CloseAction.RESUME,
                    "fresh": CloseAction.FRESH,
                    "wait": CloseAction.WAIT,
                    "fatal": CloseAction.GIVE_UP,
                }
                actions = link.lost(verdicts[move], move, now)
            case "go_away":
                actions = link.go_away(10, now)
            case "quiet":
                actions = link.quiet(now)
            case "tick":
                actions = link.tick(now)
            case "close":
                actions = link.close(now)
            case _:
                pass
        kinds: list[type[Any]] = [type(action) for action in actions]
        assert (link.number == 1) or link.number <= len(steps) + 1
        assert kinds in ([], [Dial], [HangUp], [GiveUp], [HangUp, Dial], [HangUp, GiveUp])
        ends = link.state in (ConnectionState.DEGRADED, ConnectionState.CLOSED, ConnectionState.LIVE)
        assert (link.deadline() is None) == ends
