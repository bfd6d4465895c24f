"""What the model has not answered is replayed, every sample once."""

from hypothesis import given
from hypothesis import strategies as st

from core.live.messages import Audio, EndActivity, InTurnText, Outgoing, StartActivity, TextTurn, ToolResult
from core.live.replay_buffer import ReplayBuffer, with_text

SECOND = Audio(bytes(32000), 16000)


def pcm(items: list[Outgoing]) -> bytes:
    """All the audio in them."""
    return b"".join(item.pcm for item in items if isinstance(item, Audio))


def test_an_unanswered_turn_is_replayed_from_its_start() -> None:
    buffer = ReplayBuffer()
    for item in (StartActivity(), SECOND, SECOND):
        buffer.add(item)
    assert buffer.replay() == [StartActivity(), SECOND, SECOND]
    buffer.add(EndActivity())
    assert buffer.replay() == [StartActivity(), SECOND, SECOND, EndActivity()]
    buffer.answered()
    buffer.acknowledged()
    assert buffer.replay() == []


def test_an_answered_turn_that_no_handle_acknowledged_is_pending_after_a_reconnect() -> None:
    buffer = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity()):
        buffer.add(item)
    buffer.answered()
    assert not buffer.pending
    assert buffer.numbers == [1]
    assert buffer.replay() == [StartActivity(), SECOND, EndActivity()]
    assert buffer.pending


def test_a_recorded_turn_that_no_handle_acknowledged_is_not_replayed_but_sent_as_text() -> None:
    buffer = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity()):
        buffer.add(item)
    buffer.answered()
    buffer.recorded()
    assert buffer.handle_is_stale
    assert buffer.replay() == []
    buffer.acknowledged()
    assert not buffer.handle_is_stale


def test_a_new_session_is_replayed_a_turn_that_goes_on_with_the_part_that_a_handle_had() -> None:
    buffer = ReplayBuffer()
    over, first, second, third = (Audio(bytes([n]) * 32000, 16000) for n in range(4))
    for item in (StartActivity(), over, EndActivity(), StartActivity(), first, EndActivity(flush=True)):
        buffer.add(item)
    buffer.answered()
    assert buffer.acknowledged(), "a part of a turn that goes on"
    for item in (StartActivity(), second, EndActivity(flush=True)):
        buffer.add(item)
    buffer.answered()
    assert buffer.acknowledged()
    for item in (StartActivity(), third):
        buffer.add(item)
    assert buffer.replay() == [StartActivity(), third], "to the session that the handle is of"
    assert buffer.seeded()
    assert buffer.numbers == [2, 3, 4]
    assert buffer.replay() == [StartActivity(), first, second, third]
    buffer.answered()
    assert not buffer.seeded(), "once is enough"


def test_a_new_session_is_not_replayed_a_turn_whose_text_it_is_given() -> None:
    buffer = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity(flush=True)):
        buffer.add(item)
    buffer.answered()
    buffer.acknowledged()
    for item in (StartActivity(), SECOND, EndActivity()):
        buffer.add(item)
    buffer.answered()
    buffer.recorded()
    assert not buffer.seeded()
    assert buffer.replay() == []


def test_a_flushed_turn_is_replayed_as_one_window() -> None:
    buffer = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity(flush=True), StartActivity(), SECOND, EndActivity()):
        buffer.add(item)
    assert buffer.replay() == [StartActivity(), SECOND, SECOND, EndActivity()]


def test_two_turns_stay_two_windows() -> None:
    buffer = ReplayBuffer()
    items = [StartActivity(), SECOND, EndActivity(), StartActivity(), SECOND]
    for item in items:
        buffer.add(item)
    assert buffer.replay() == items


def test_an_answer_to_a_flushed_window_leaves_the_open_one() -> None:
    buffer = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity(), StartActivity(), SECOND):
        buffer.add(item)
    buffer.answered()
    buffer.acknowledged()
    assert buffer.replay() == [StartActivity(), SECOND]


def test_text_is_buffered_and_tool_results_are_not() -> None:
    buffer = ReplayBuffer()
    buffer.add(TextTurn("Begin."))
    buffer.add(ToolResult("1", "f", {}))
    assert buffer.replay() == [TextTurn("Begin.")]


class ListSpool:
    """A spool in memory."""

    def __init__(self) -> None:
        self.stored = b""

    def put(self, pcm: bytes) -> int:
        self.stored += pcm
        return len(self.stored) - len(pcm)

    def get(self, position: int, size: int) -> bytes:
        return self.stored[position : position + size]


def test_an_answer_too_long_for_memory_goes_to_the_spool_and_comes_back_whole() -> None:
    spool = ListSpool()
    buffer = ReplayBuffer(limit=3, spool=spool)
    buffer.add(StartActivity())
    sent = [Audio(bytes([n]) * 32000, 16000) for n in range(10)]
    for audio in sent:
        buffer.add(audio)
    assert spool.stored, "something was spooled"
    assert pcm(buffer.replay()) == b"".join(audio.pcm for audio in sent)
    buffer.add(EndActivity())
    buffer.answered()
    buffer.acknowledged()
    assert buffer.replay() == [] and not buffer.pending


def test_every_piece_of_audio_has_its_number() -> None:
    buffer = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity(), StartActivity(), SECOND, SECOND):
        buffer.add(item)
    assert buffer.numbers == [1, 2, 3]
    buffer.answered()
    buffer.acknowledged()
    assert buffer.numbers == [2, 3] and buffer.chunks == 3


def test_audio_of_two_rates_is_not_joined() -> None:
    buffer = ReplayBuffer()
    for item in (Audio(b"ab", 16000), Audio(b"cd", 16000), Audio(b"ef", 8000)):
        buffer.add(item)
    assert buffer.replay() == [Audio(b"abcd", 16000), Audio(b"ef", 8000)]


@given(st.lists(st.sampled_from([StartActivity(), SECOND, EndActivity(), TextTurn("x")]), max_size=30))
def test_no_audio_is_replayed_twice(items: list[Outgoing]) -> None:
    buffer = ReplayBuffer()
    for item in items:
        buffer.add(item)
    assert len(pcm(buffer.replay())) == 32000 * items.count(SECOND)


def flushed(*, parts: int) -> ReplayBuffer:
    """A turn that goes on, after so many flushes whose replies were cut off."""
    buffer = ReplayBuffer()
    buffer.add(StartActivity())
    for _ in range(parts):
        for item in (SECOND, EndActivity(flush=True), StartActivity()):
            buffer.add(item)
        buffer.interrupted()
    buffer.add(SECOND)
    return buffer


def test_a_part_that_was_flushed_is_replayed_until_a_handle_acknowledges_it() -> None:
    buffer = flushed(parts=2)
    assert buffer.numbers == [1, 2, 3]
    assert buffer.replay() == [StartActivity(), SECOND, SECOND, SECOND]
    buffer = flushed(parts=2)
    assert buffer.acknowledged(), "a part of a turn that goes on"
    assert buffer.replay() == [StartActivity(), SECOND]
    assert not buffer.acknowledged()


def test_a_part_that_was_flushed_is_replayed_though_the_turn_before_it_is_recorded() -> None:
    buffer = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity()):
        buffer.add(item)
    buffer.answered()
    for item in (StartActivity(), SECOND, EndActivity(flush=True), StartActivity()):
        buffer.add(item)
    buffer.interrupted()
    buffer.recorded()
    assert buffer.handle_is_stale and buffer.sent_as_text == [1] and buffer.numbers == [2]
    assert pcm(buffer.replay()) == SECOND.pcm
    buffer.seeded()
    assert not buffer.handle_is_stale and buffer.sent_as_text == []


def test_a_turn_whose_reply_the_next_one_cut_off_before_it_began_is_replayed() -> None:
    buffer = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity(), StartActivity(), SECOND):
        buffer.add(item)
    buffer.interrupted()
    assert buffer.pending
    assert buffer.replay() == [StartActivity(), SECOND, EndActivity(), StartActivity(), SECOND]


def test_after_a_replay_a_flush_is_no_edge_of_a_window_any_more() -> None:
    buffer = ReplayBuffer()
    turn = (StartActivity(), SECOND, EndActivity(flush=True), StartActivity(), SECOND, EndActivity())
    for item in (TextTurn("Begin."), *turn):
        buffer.add(item)
    buffer.replay()
    buffer.interrupted()  # the reply to the text, by the one window that this connection was sent
    buffer.acknowledged()
    assert buffer.numbers == [1, 2]
    assert buffer.replay() == [StartActivity(), SECOND, SECOND, EndActivity()]


def test_of_turns_that_are_replayed_at_once_each_interrupts_the_reply_to_the_one_before() -> None:
    buffer = ReplayBuffer()
    for item in (TextTurn("Begin."), *(StartActivity(), SECOND, EndActivity()) * 2):
        buffer.add(item)
    buffer.replay()
    for left in ([1, 2], [2]):
        buffer.interrupted()
        buffer.acknowledged()
        assert buffer.numbers == left, "the handle has nothing of what was sent after"


def test_of_windows_that_were_sent_one_after_the_other_the_newest_interrupts() -> None:
    buffer = ReplayBuffer()
    for item in (StartActivity(), SECOND, *(EndActivity(flush=True), StartActivity(), SECOND) * 2):
        buffer.add(item)
    buffer.interrupted()
    buffer.acknowledged()
    assert buffer.numbers == [3]


def test_a_text_goes_into_the_first_turn_that_is_sent() -> None:
    assert with_text([EndActivity(), StartActivity(), SECOND], "so") == (
        EndActivity(),
        StartActivity(),
        InTurnText("so"),
        SECOND,
    )
    assert with_text([TextTurn("Go on.")], "so") == (TextTurn("so Go on."),)
    assert with_text([SECOND, EndActivity()], "so") is None
