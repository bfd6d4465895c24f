"""Which packets were late."""

from bench.lateness import Arrival, late


def stream(
    delays: list[float], *, timestamp: int = 0, sequence: int = 0, without: tuple[int, ...] = ()
) -> list[Arrival]:
    """Packets 20 ms apart, each delayed so much."""
    return [
        Arrival(n * 0.02 + delay, (timestamp + n * 960) % 2**32, (sequence + n) % 2**16)
        for n, delay in enumerate(delays)
        if n not in without
    ]


def test_a_steady_stream_is_never_late_however_long_its_way() -> None:
    assert late(stream([0.3] * 50)) == 0


def test_a_packet_may_be_20_ms_behind_the_quickest_and_no_more() -> None:
    assert late(stream([0.001, 0.0209, 0.0211, 0.001])) == 1


def test_the_packets_held_up_by_a_stall_are_late_each_by_itself() -> None:
    # 100 ms of nothing, then everything at once: the last of them is in time.
    assert late(stream([0.0, 0.1, 0.08, 0.06, 0.04, 0.02, 0.0])) == 4


def test_time_in_which_nothing_was_to_be_sent_is_not_lateness() -> None:
    spoken, after_a_pause = stream([0.0] * 5), Arrival(10.0, 480_000, 5)
    assert late([*spoken, after_a_pause]) == 0


def test_a_reply_that_goes_on_after_a_stall_as_if_nothing_had_been_has_lost_what_was_skipped() -> None:
    before = [Arrival(n * 0.02, n * 960, n, audible=True) for n in range(5)]
    after = [Arrival(n * 0.02, n * 960, n - 6, audible=True) for n in range(11, 15)]
    assert late([*before, *after]) == 6


def test_a_pause_that_begins_with_the_ring_of_the_last_word_is_no_stall() -> None:
    spoken = [Arrival(n * 0.02, n * 960, n, audible=True) for n in range(5)]
    pause = [Arrival(0.5, 24_000, 5, audible=True), Arrival(0.9, 43_200, 6)]
    assert late([*spoken, *pause]) == 0


def test_a_packet_that_never_came_is_late() -> None:
    assert late(stream([0.0] * 10, without=(4, 5))) == 2


def test_counters_that_wrap_and_packets_that_overtake_change_nothing() -> None:
    arrivals = stream([0.0] * 10, timestamp=2**32 - 2 * 960, sequence=2**16 - 3)
    arrivals[4], arrivals[5] = arrivals[5], arrivals[4]
    assert late(arrivals) == 0


def test_nothing_heard_is_nothing_late() -> None:
    assert late([]) == 0
