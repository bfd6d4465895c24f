"""The connection dials, waits, rotates, reconnects and gives up in time, and records every change of its state."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import events
from core.live.actions import ConnectionAction, ConnectionEnded, Dial, GiveUp, HangUp, Note
from core.live.close_codes import CloseAction
from core.live.connection import (
    MAX_SILENT_CONNECTIONS,
    TRANSITIONS,
    ConnectionPolicy,
    ConnectionState,
    LiveConnectionMachine,
)

IDLE, DIALING, LIVE = ConnectionState.IDLE, ConnectionState.DIALING, ConnectionState.LIVE
DRAINING, WAITING = ConnectionState.DRAINING, ConnectionState.WAITING
DEGRADED, CLOSED = ConnectionState.DEGRADED, ConnectionState.CLOSED


def orders(actions: Sequence[ConnectionAction]) -> list[Dial | HangUp | GiveUp]:
    """The actions that the shell carries out on the socket, without the events for the record."""
    return [action for action in actions if isinstance(action, Dial | HangUp | GiveUp)]


def recorded(actions: Sequence[ConnectionAction], kind: type[Any] = events.Event) -> list[Any]:
    """The events of one kind among the actions."""
    return [action.event for action in actions if isinstance(action, Note) and isinstance(action.event, kind)]


def live(policy: ConnectionPolicy | None = None) -> LiveConnectionMachine:
    """A connection that has been open since 0 s and holds the handle `h1`."""
    connection = LiveConnectionMachine(policy or ConnectionPolicy())
    assert orders(connection.start(0.0)) == [Dial(None, 1, 1)]
    connection.opened(0.0, None, 0.0)
    connection.handle_updated("h1", 0.0)
    return connection


def lose(
    connection: LiveConnectionMachine, action: CloseAction, meaning: str, now: float, code: int = 1011
) -> list[ConnectionAction]:
    """The connection ends now."""
    return connection.lost(code, "", action, meaning, connection.number, now)


# --- the socket


def test_a_lost_connection_is_resumed_after_1_2_and_4_seconds_and_then_given_up() -> None:
    connection, now = live(), 60.0
    for attempt, delay in enumerate((1.0, 2.0, 4.0), start=2):
        assert orders(lose(connection, CloseAction.RESUME, "503", now, code=503)) == []
        assert connection.deadline() == now + delay
        assert connection.tick(now + delay / 2) == []
        now += delay
        assert orders(connection.tick(now)) == [Dial("h1", attempt, attempt)]
    assert orders(lose(connection, CloseAction.RESUME, "1011 once more", now)) == [GiveUp("1011 once more")]
    assert connection.state is DEGRADED and connection.deadline() is None
    assert lose(connection, CloseAction.RESUME, "late", now) == []


def test_a_connection_that_was_stable_refills_the_attempts() -> None:
    connection = live()
    for number, now in enumerate((100.0, 200.0, 300.0, 400.0, 500.0), start=2):
        assert orders(lose(connection, CloseAction.RESUME, "1011", now)) == []
        assert orders(connection.tick(now + 1)) == [Dial("h1", 2, number)]
        connection.opened(1.0, None, now + 2)


def test_a_refused_handle_is_dropped() -> None:
    connection = live()
    lose(connection, CloseAction.NEW_SESSION, "Invalid session handle", 20.0)
    assert orders(connection.tick(21.0)) == [Dial(None, 2, 2)]


def test_a_handle_with_which_two_attempts_have_failed_is_dropped() -> None:
    connection, now = live(), 60.0
    for attempt, delay, handle in ((2, 1.0, "h1"), (3, 2.0, "h1"), (4, 4.0, None)):
        lose(connection, CloseAction.RESUME, "1011", now)
        now += delay
        assert orders(connection.tick(now)) == [Dial(handle, attempt, attempt)]


def test_a_session_that_ends_as_soon_as_it_is_resumed_is_replaced_by_a_new_one() -> None:
    connection, now = live(), 60.0
    for attempt, delay, handle in ((2, 1.0, "h1"), (3, 2.0, "h1"), (4, 4.0, None)):
        lose(connection, CloseAction.RESUME, "not known", now, code=1007)
        now += delay
        assert orders(connection.tick(now)) == [Dial(handle, attempt, attempt)]
        connection.opened(0.1, None, now + 0.1)
        now += 0.2
    assert orders(lose(connection, CloseAction.RESUME, "not known", now, code=1007)) == [GiveUp("not known")]


def test_a_handle_is_kept_when_the_network_cuts_off_what_was_just_resumed() -> None:
    connection, now = live(), 60.0
    for attempt, delay in ((2, 1.0), (3, 2.0), (4, 4.0)):
        lose(connection, CloseAction.RESUME, "cut", now, code=1006)
        now += delay
        assert orders(connection.tick(now)) == [Dial("h1", attempt, attempt)]
        connection.opened(0.1, None, now + 0.1)
        now += 0.2


def test_an_exhausted_quota_is_not_hammered() -> None:
    connection = live(ConnectionPolicy(long_wait=15))
    lose(connection, CloseAction.WAIT, "quota", 20.0)
    assert connection.tick(34.9) == [] and orders(connection.tick(35.0)) == [Dial("h1", 2, 2)]


def test_a_fatal_close_is_not_retried() -> None:
    assert orders(lose(live(), CloseAction.GIVE_UP, "bad key", 1.0)) == [GiveUp("bad key")]


def test_after_a_go_away_the_connection_is_rotated_at_the_first_quiet_moment() -> None:
    connection = live()
    assert connection.rotate(500.0) == []
    connection.go_away(50.0, 540.0)
    assert connection.state is DRAINING
    assert orders(connection.rotate(550.0)) == [HangUp(), Dial("h1", 1, 2)]


def test_after_a_go_away_the_connection_is_rotated_in_time_though_there_is_no_quiet_moment() -> None:
    connection = live(ConnectionPolicy(margin=5))
    connection.go_away(50.0, 540.0)
    connection.go_away(300.0, 541.0)  # a second announcement can only hasten it
    assert connection.deadline() == 585.0
    assert orders(connection.tick(585.0)) == [HangUp(), Dial("h1", 1, 2)]


def test_a_connection_is_rotated_before_the_end_of_its_lifetime_without_a_go_away() -> None:
    connection = live(ConnectionPolicy(lifetime=590, lead=60, margin=5))
    assert connection.deadline() == 530.0
    assert connection.rotate(529.0) == []
    assert orders(connection.tick(530.0)) == [] and connection.state is DRAINING
    assert connection.deadline() == 585.0
    connection.handle_updated("h2", 531.0)
    assert orders(connection.rotate(540.0)) == [HangUp(), Dial("h2", 1, 2)]


def test_a_rotation_waits_for_a_handle_that_is_up_to_date() -> None:
    connection = live()
    connection.handle_updated(None, 540.0)
    connection.go_away(50.0, 540.0)
    assert connection.rotate(541.0) == []
    connection.handle_updated("h2", 541.0)
    assert orders(connection.rotate(542.0)) == [HangUp(), Dial("h2", 1, 2)]


def test_a_new_session_is_dialed_without_the_handle() -> None:
    assert orders(live().new_session("context lost", 3.0)) == [HangUp(), Dial(None, 1, 2)]
    waiting = live()
    lose(waiting, CloseAction.RESUME, "1011", 1.0)
    assert waiting.new_session("context lost", 1.5) == []
    assert orders(waiting.tick(2.0)) == [Dial(None, 2, 2)]


def test_a_connection_with_a_silent_model_is_replaced_at_once() -> None:
    connection = live()
    replaced = connection.reconnect(20.0)
    assert orders(replaced) == [HangUp(), Dial("h1", 1, 2)]
    assert recorded(replaced, events.ConnectionStateChanged)[-1].why.startswith("The model fell silent")
    assert orders(connection.reconnect(20.0)) == []
    assert connection.deadline() == 20.0 + ConnectionPolicy().dial_timeout


def test_giving_up_hangs_up_and_is_final() -> None:
    dialing = LiveConnectionMachine(ConnectionPolicy())
    dialing.start(0.0)
    for connection in (live(), dialing):
        assert orders(connection.give_up("silence", 1.0)) == [HangUp(), GiveUp("silence")]
        assert connection.give_up("once more", 2.0) == [] and connection.tick(99.0) == []
        assert connection.opened(0.1, None, 3.0) == [], "an answer to an attempt that was abandoned"


def test_a_setup_that_is_never_answered_ends() -> None:
    connection = LiveConnectionMachine(ConnectionPolicy(dial_timeout=15))
    connection.start(0.0)
    assert orders(connection.tick(15.0)) == [HangUp()]
    assert connection.state is WAITING and connection.deadline() == 16.0


def test_a_handle_that_is_withdrawn_leaves_the_last_good_one() -> None:
    connection = live()
    connection.handle_updated(None, 0.5)
    lose(connection, CloseAction.RESUME, "1011", 1.0)
    assert orders(connection.tick(2.0)) == [Dial("h1", 2, 2)]


def test_without_resumption_every_dial_begins_a_new_session() -> None:
    connection = live(ConnectionPolicy(resume=False))
    lose(connection, CloseAction.RESUME, "1011", 1.0)
    assert orders(connection.tick(2.0)) == [Dial(None, 2, 2)]


def test_closing_hangs_up_only_what_is_open() -> None:
    assert orders(live().close(1.0)) == [HangUp()]
    assert orders(LiveConnectionMachine(ConnectionPolicy()).close(0.0)) == []
    gone = live()
    lose(gone, CloseAction.RESUME, "1011", 1.0)
    assert orders(gone.close(1.5)) == [] and gone.tick(99.0) == []
    assert gone.close(2.0) == [], "closed once"


# --- the record


def opened() -> LiveConnectionMachine:
    """A connection that opened at 0.2 s and has many attempts."""
    connection = LiveConnectionMachine(ConnectionPolicy(backoff=(1.0,) * 9))
    assert connection.start(0.0)[:2] == [Note(events.ConnectionDialed(0.0, 1, False)), Dial(None, 1, 1)]
    assert connection.opened(0.2, "s", 0.2)[0] == Note(events.ConnectionOpened(0.2, 0.2, "s", 0.0))
    return connection


def test_every_change_of_state_is_recorded_once() -> None:
    connection = opened()
    [going, changed] = connection.go_away(50.0, 1.0)
    assert going == Note(events.GoAwayReceived(1.0, 50.0))
    assert isinstance(changed.event, events.ConnectionStateChanged) and changed.event.state == "draining"
    assert connection.go_away(50.0, 2.0) == [Note(events.GoAwayReceived(2.0, 50.0))]


def test_a_loss_is_recorded_once_and_the_gap_with_the_next_connection() -> None:
    connection = opened()
    lost = connection.lost(1011, "Internal error", CloseAction.RESUME, "It failed.", 1, 5.0)
    assert lost[:2] == [Note(events.ConnectionLost(5.0, 1011, "Internal error", "resume")), ConnectionEnded()]
    assert lost.count(ConnectionEnded()) == 1
    assert connection.lost(1011, "once more", CloseAction.RESUME, "It failed.", 1, 5.1) == []
    connection.tick(6.0)
    assert connection.opened(0.1, None, 6.5)[0] == Note(events.ConnectionOpened(6.5, 0.1, None, 1.5))


def test_what_was_under_way_is_orphaned_before_the_connection_is_closed() -> None:
    replaced = opened().new_session("The handle is too old.", 5.0)
    assert [type(action) for action in replaced] == [ConnectionEnded, HangUp, Note, Dial, Note]


def test_a_handle_is_recorded_when_there_comes_to_be_one_and_when_it_is_withdrawn() -> None:
    connection = opened()
    assert connection.handle_updated("h1", 1.0) == [Note(events.HandleReceived(1.0, True))]
    assert connection.handle_updated("h2", 2.0) == []
    assert connection.handle_updated(None, 3.0) == [Note(events.HandleReceived(3.0, False))]


def test_a_silent_model_is_reconnected_a_few_times_and_then_given_up() -> None:
    connection = opened()
    now = 1.0
    for silent in range(2 * MAX_SILENT_CONNECTIONS):
        if silent == MAX_SILENT_CONNECTIONS:
            connection.model_answered()  # the count starts anew
        assert HangUp() in connection.reconnect(now)
        connection.tick(now + 1.0)
        connection.opened(0.1, None, now + 1.1)
        now += 20
    assert any(isinstance(action, GiveUp) for action in connection.reconnect(now))


def test_a_session_that_lost_the_context_is_replaced_once() -> None:
    connection = opened()
    assert connection.context_lost(1.0)[0] == Note(events.ContextLost(1.0, "reseed"))
    connection.opened(0.1, None, 1.2)
    twice = connection.context_lost(2.0)
    assert twice[0] == Note(events.ContextLost(2.0, "degrade")) and any(isinstance(a, GiveUp) for a in twice)


# --- the states

# How a connection that is in the first state comes to the second.
ENTER: Mapping[
    tuple[ConnectionState, ConnectionState], Callable[[LiveConnectionMachine], Sequence[ConnectionAction]]
] = {
    (IDLE, DIALING): lambda connection: connection.start(1.0),
    (DIALING, LIVE): lambda connection: connection.opened(0.1, None, 1.0),
    (DIALING, WAITING): lambda connection: lose(connection, CloseAction.RESUME, "1011", 1.0),
    (DIALING, DEGRADED): lambda connection: lose(connection, CloseAction.GIVE_UP, "bad key", 1.0),
    (LIVE, DRAINING): lambda connection: connection.go_away(50.0, 1.0),
    (LIVE, DIALING): lambda connection: connection.reconnect(1.0),
    (LIVE, WAITING): lambda connection: lose(connection, CloseAction.RESUME, "1011", 1.0),
    (LIVE, DEGRADED): lambda connection: connection.give_up("silence", 1.0),
    (DRAINING, DIALING): lambda connection: connection.tick(999.0),
    (DRAINING, WAITING): lambda connection: lose(connection, CloseAction.RESUME, "1011", 1.0),
    (DRAINING, DEGRADED): lambda connection: connection.give_up("silence", 1.0),
    (WAITING, DIALING): lambda connection: connection.tick(999.0),
    (WAITING, DEGRADED): lambda connection: connection.give_up("silence", 1.0),
    **{(state, CLOSED): lambda connection: connection.close(1.0) for state in ConnectionState if state is not CLOSED},
}
PATHS: Mapping[ConnectionState, list[ConnectionState]] = {
    IDLE: [],
    DIALING: [DIALING],
    LIVE: [DIALING, LIVE],
    DRAINING: [DIALING, LIVE, DRAINING],
    WAITING: [DIALING, WAITING],
    DEGRADED: [DIALING, DEGRADED],
    CLOSED: [CLOSED],
}


def come_to(state: ConnectionState) -> LiveConnectionMachine:
    """A connection that has come to this state."""
    connection = LiveConnectionMachine(ConnectionPolicy())
    for following in PATHS[state]:
        ENTER[connection.state, following](connection)
    assert connection.state is state
    return connection


@pytest.mark.parametrize(("state", "following"), itertools.product(ConnectionState, ConnectionState))
def test_the_connection_comes_from_each_state_to_those_of_the_table_and_to_no_other(
    state: ConnectionState, following: ConnectionState
) -> None:
    connection = come_to(state)
    legal = following in TRANSITIONS[state]
    assert legal == ((state, following) in ENTER), "every legal transition has a cause"
    if not legal:
        with pytest.raises(RuntimeError, match=f"from {state} to {following}"):
            connection._enter(following, "", 1.0)  # pyright: ignore[reportPrivateUsage]
        assert connection.state is state
        return
    changed = recorded(ENTER[state, following](connection), events.ConnectionStateChanged)
    assert connection.state is following and [change.state for change in changed] == [following.value]


moves = st.sampled_from(
    ["opened", "lost", "new_session", "wait", "fatal", "go_away", "rotate", "reconnect", "give_up", "tick", "close"]
)


@given(st.lists(st.tuples(moves, st.floats(0, 20)), max_size=40))
def test_no_state_lasts_for_ever_but_the_last_two(steps: list[tuple[str, float]]) -> None:
    connection, now = LiveConnectionMachine(ConnectionPolicy()), 0.0
    connection.start(now)
    for move, gap in steps:
        now += gap
        before, number = connection.state, connection.number
        actions: list[ConnectionAction] = []
        match move:
            case "opened":
                actions = [*connection.opened(0.1, None, now)]
            case "lost" | "new_session" | "wait" | "fatal":
                outcomes = {
                    "lost": CloseAction.RESUME,
                    "new_session": CloseAction.NEW_SESSION,
                    "wait": CloseAction.WAIT,
                    "fatal": CloseAction.GIVE_UP,
                }
                actions = lose(connection, outcomes[move], move, now)
            case "go_away":
                actions = [*connection.go_away(10, now)]
            case "rotate":
                actions = connection.rotate(now)
            case "reconnect" if connection.up:
                actions = connection.reconnect(now)
            case "give_up":
                actions = connection.give_up(move, now)
            case "tick":
                actions = connection.tick(now)
            case "close":
                actions = connection.close(now)
            case _:
                pass
        kinds: list[type[Any]] = [type(action) for action in orders(actions)]
        assert connection.number == number + kinds.count(Dial), "each connection has a number of its own"
        assert kinds in ([], [Dial], [HangUp], [GiveUp], [HangUp, Dial], [HangUp, GiveUp])
        attached = before in (DIALING, LIVE, DRAINING)
        ended = attached and connection.state in (DIALING, WAITING, DEGRADED, CLOSED) and connection.state is not before
        assert actions.count(ConnectionEnded()) == int(ended)
        changed = [change.state for change in recorded(actions, events.ConnectionStateChanged)]
        assert changed == ([] if before is connection.state else [connection.state.value])
        assert (connection.deadline() is None) == (connection.state in (DEGRADED, CLOSED, LIVE))
