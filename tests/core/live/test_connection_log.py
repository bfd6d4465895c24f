"""Every change of connection is a fact."""

from core import events
from core.live.actions import Action, Dial, GiveUp, HangUp, Note
from core.live.close_codes import CloseAction
from core.live.connection import ConnectionPolicy, LiveConnectionMachine
from core.live.connection_log import MOST_LEFT, Line


def line() -> tuple[Line, list[float]]:
    """A line that is up, and the times at which it dropped what was under way."""
    dropped: list[float] = []

    def drop(now: float) -> list[Action]:
        dropped.append(now)
        return []

    one = Line(LiveConnectionMachine(ConnectionPolicy(backoff=(1.0,) * 9)), drop)
    assert one.start(0.0)[:2] == [Note(events.ConnectionDialed(0.0, 1, False)), Dial(None, 1, 1)]
    assert one.opened(0.2, "s", 0.2)[0] == Note(events.ConnectionOpened(0.2, 0.2, "s", 0.0))
    return one, dropped


def test_every_state_the_link_comes_to_is_told_once() -> None:
    one, _ = line()
    [going, changed] = one.going_away(50.0, 1.0)
    assert going == Note(events.GoAwayReceived(1.0, 50.0))
    assert isinstance(changed, Note) and isinstance(changed.event, events.ConnectionStateChanged)
    assert changed.event.state == "draining"
    assert one.going_away(50.0, 2.0) == [Note(events.GoAwayReceived(2.0, 50.0))]


def test_a_loss_is_told_once_and_the_gap_with_the_next_connection() -> None:
    one, dropped = line()
    lost = one.lost(1011, "Internal error", CloseAction.RESUME, "It failed.", 1, 5.0)
    assert lost[0] == Note(events.ConnectionLost(5.0, 1011, "Internal error", "resume")) and dropped == [5.0]
    assert one.lost(1011, "again", CloseAction.RESUME, "It failed.", 1, 5.1) == []
    one.tick(6.0)
    assert one.opened(0.1, None, 6.5)[0] == Note(events.ConnectionOpened(6.5, 0.1, None, 1.5))


def test_what_is_under_way_is_dropped_before_a_move() -> None:
    one, dropped = line()
    moved = one.begin_afresh("The handle is too old.", 5.0)
    assert dropped == [5.0] and [type(a) for a in moved][:3] == [HangUp, Note, Dial]


def test_a_handle_is_told_when_there_comes_to_be_one_and_when_there_is_none_any_more() -> None:
    one, _ = line()
    assert one.handle("h1", 1.0) == [Note(events.HandleReceived(1.0, True))]
    assert one.handle("h2", 2.0) == []
    assert one.handle(None, 3.0) == [Note(events.HandleReceived(3.0, False))]


def test_a_silent_model_is_left_a_few_times_and_then_given_up() -> None:
    one, _ = line()
    now = 1.0
    for _ in range(MOST_LEFT):
        assert HangUp() in one.leave(now)
        one.tick(now + 1.0)
        one.opened(0.1, None, now + 1.1)
        now += 20
    assert any(isinstance(action, GiveUp) for action in one.leave(now))


def test_a_session_that_forgets_is_replaced_once() -> None:
    one, _ = line()
    assert one.forgotten(1.0)[0] == Note(events.ContextLost(1.0, "reseed"))
    one.opened(0.1, None, 1.2)
    again = one.forgotten(2.0)
    assert again[0] == Note(events.ContextLost(2.0, "degrade")) and any(isinstance(a, GiveUp) for a in again)
