from hypothesis import given
from hypothesis import strategies as st

from pipeline.http.throttle import COST, FREE, LONGEST_WAIT, MOST_ADDRESSES, KeyThrottle


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_few_wrong_keys_wait_for_nothing() -> None:
    throttle = KeyThrottle(Clock())
    assert [throttle.begin("a") for _ in range(FREE)] == [0.0] * FREE


def test_further_ones_wait_longer_and_longer_then_are_not_looked_at() -> None:
    throttle = KeyThrottle(Clock())
    waits = [throttle.begin("a") for _ in range(1500)]
    looked_at = [wait for wait in waits if wait is not None]
    assert looked_at == sorted(looked_at) and looked_at[-1] <= LONGEST_WAIT + COST / 2
    assert abs(len(looked_at) - (FREE + LONGEST_WAIT / COST)) <= 1


def test_a_right_key_costs_nothing_however_often_it_is_shown() -> None:
    throttle = KeyThrottle(Clock())
    for _ in range(1000):
        assert throttle.begin("a") == 0.0
        throttle.right("a")


def test_another_address_waits_for_nobody() -> None:
    throttle = KeyThrottle(Clock())
    for _ in range(1500):
        throttle.begin("a")
    assert throttle.begin("b") == 0.0


def test_what_was_owed_is_paid_by_waiting() -> None:
    clock = Clock()
    throttle = KeyThrottle(clock)
    while throttle.begin("a") is not None:
        pass
    clock.now += LONGEST_WAIT + (FREE + 1) * COST
    assert throttle.begin("a") == 0.0


@given(st.lists(st.floats(0, 0.05), max_size=400))
def test_no_more_wrong_keys_are_compared_than_the_time_allows(gaps: list[float]) -> None:
    clock = Clock()
    throttle = KeyThrottle(clock)
    compared_at = []
    for gap in gaps:
        clock.now += gap
        if (wait := throttle.begin("a")) is not None:
            compared_at.append(clock.now + wait)
    for number, at in enumerate(compared_at):
        assert at >= 1000.0 + (number - FREE) * COST - 1e-6


def test_very_many_addresses_take_no_more_memory() -> None:
    throttle = KeyThrottle(Clock())
    for number in range(MOST_ADDRESSES + 100):
        throttle.begin(str(number))
    assert len(throttle._paid_until) == MOST_ADDRESSES
