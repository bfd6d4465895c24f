import pytest

from gemini_live_emulator.protocol.outputs import Close
from gemini_live_emulator.session.simulated_client import SimulatedClient


def test_waiting_for_what_does_not_come_says_so() -> None:
    it = SimulatedClient().set_up()
    it.begin()
    with pytest.raises(TimeoutError, match="no toolCall within 5 s; closed: None"):
        it.until("toolCall", limit=5)


def test_waiting_for_something_of_a_closed_connection_ends_at_once() -> None:
    it = SimulatedClient().set_up()
    it.realtime(activityStart={}, nonsense={})
    assert isinstance(it.closed, Close)
    with pytest.raises(TimeoutError, match="no turnComplete"):
        it.turn()
