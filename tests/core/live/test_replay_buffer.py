"""What the model has not answered is said again, every sample once."""

from hypothesis import given
from hypothesis import strategies as st

from core.live.messages import Audio, EndActivity, InTurnText, Outgoing, StartActivity, TextTurn, ToolResult
from core.live.replay_buffer import ReplayBuffer, with_aside

SECOND = Audio(bytes(32000), 16000)


def pcm(items: list[Outgoing]) -> bytes:
    """All the audio in them."""
    return b"".join(item.pcm for item in items if isinstance(item, Audio))


def test_an_unanswered_turn_is_said_again_from_its_start() -> None:
    kept = ReplayBuffer()
    for item in (StartActivity(), SECOND, SECOND):
        kept.sent(item)
    assert kept.again() == [StartActivity(), SECOND, SECOND]
    kept.sent(EndActivity())
    assert kept.again() == [StartActivity(), SECOND, SECOND, EndActivity()]
    kept.answered()
    kept.safe()
    assert kept.again() == []


def test_an_answered_turn_that_no_handle_knows_is_owed_again_after_a_reconnect() -> None:
    kept = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity()):
        kept.sent(item)
    kept.answered()
    assert not kept.pending
    assert kept.numbers == [1]
    assert kept.again() == [StartActivity(), SECOND, EndActivity()]
    assert kept.pending


def test_a_recorded_turn_that_no_handle_knows_is_told_in_words() -> None:
    kept = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity()):
        kept.sent(item)
    kept.answered()
    kept.recorded()
    assert kept.behind
    assert kept.again() == []
    kept.safe()
    assert not kept.behind


def test_a_flushed_turn_is_said_again_as_one_window() -> None:
    kept = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity(flush=True), StartActivity(), SECOND, EndActivity()):
        kept.sent(item)
    assert kept.again() == [StartActivity(), SECOND, SECOND, EndActivity()]


def test_two_turns_stay_two_windows() -> None:
    kept = ReplayBuffer()
    items = [StartActivity(), SECOND, EndActivity(), StartActivity(), SECOND]
    for item in items:
        kept.sent(item)
    assert kept.again() == items


def test_an_answer_to_a_flushed_window_leaves_the_open_one() -> None:
    kept = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity(), StartActivity(), SECOND):
        kept.sent(item)
    kept.answered()
    kept.safe()
    assert kept.again() == [StartActivity(), SECOND]


def test_text_is_kept_and_tool_results_are_not() -> None:
    kept = ReplayBuffer()
    kept.sent(TextTurn("Begin."))
    kept.sent(ToolResult("1", "f", {}))
    assert kept.again() == [TextTurn("Begin.")]


class ListShelf:
    """A shelf that remembers what was put on it."""

    def __init__(self) -> None:
        self.tape = b""

    def put(self, pcm: bytes) -> int:
        self.tape += pcm
        return len(self.tape) - len(pcm)

    def get(self, place: int, size: int) -> bytes:
        return self.tape[place : place + size]


def test_an_answer_too_long_for_memory_goes_to_the_shelf_and_comes_back_whole() -> None:
    shelf = ListShelf()
    kept = ReplayBuffer(limit=3, shelf=shelf)
    kept.sent(StartActivity())
    sent = [Audio(bytes([n]) * 32000, 16000) for n in range(10)]
    for audio in sent:
        kept.sent(audio)
    assert shelf.tape, "something was put aside"
    assert pcm(kept.again()) == b"".join(audio.pcm for audio in sent)
    kept.sent(EndActivity())
    kept.answered()
    kept.safe()
    assert kept.again() == [] and not kept.pending


def test_every_piece_of_audio_has_its_number() -> None:
    kept = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity(), StartActivity(), SECOND, SECOND):
        kept.sent(item)
    assert kept.numbers == [1, 2, 3]
    kept.answered()
    kept.safe()
    assert kept.numbers == [2, 3] and kept.chunks == 3


def test_audio_of_two_rates_is_not_joined() -> None:
    kept = ReplayBuffer()
    for item in (Audio(b"ab", 16000), Audio(b"cd", 16000), Audio(b"ef", 8000)):
        kept.sent(item)
    assert kept.again() == [Audio(b"abcd", 16000), Audio(b"ef", 8000)]


@given(st.lists(st.sampled_from([StartActivity(), SECOND, EndActivity(), TextTurn("x")]), max_size=30))
def test_no_audio_is_said_twice(items: list[Outgoing]) -> None:
    kept = ReplayBuffer()
    for item in items:
        kept.sent(item)
    assert len(pcm(kept.again())) == 32000 * items.count(SECOND)


def flushed(*, parts: int) -> ReplayBuffer:
    """A turn that goes on, after so many flushes whose replies were cut off."""
    kept = ReplayBuffer()
    kept.sent(StartActivity())
    for _ in range(parts):
        for item in (SECOND, EndActivity(flush=True), StartActivity()):
            kept.sent(item)
        kept.interrupted()
    kept.sent(SECOND)
    return kept


def test_a_part_that_was_flushed_is_said_again_until_a_handle_knows_it() -> None:
    kept = flushed(parts=2)
    assert kept.numbers == [1, 2, 3]
    assert kept.again() == [StartActivity(), SECOND, SECOND, SECOND]
    kept = flushed(parts=2)
    assert kept.safe(), "a part of a turn that goes on is safe"
    assert kept.again() == [StartActivity(), SECOND]
    assert not kept.safe()


def test_a_part_that_was_flushed_outlives_the_record_of_what_was_before_it() -> None:
    kept = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity()):
        kept.sent(item)
    kept.answered()
    for item in (StartActivity(), SECOND, EndActivity(flush=True), StartActivity()):
        kept.sent(item)
    kept.interrupted()
    kept.recorded()
    assert kept.behind and kept.told == [1] and kept.numbers == [2]
    assert pcm(kept.again()) == SECOND.pcm
    kept.known()
    assert not kept.behind and kept.told == []


def test_a_turn_whose_reply_the_next_one_cut_off_before_it_began_is_said_again() -> None:
    kept = ReplayBuffer()
    for item in (StartActivity(), SECOND, EndActivity(), StartActivity(), SECOND):
        kept.sent(item)
    kept.interrupted()
    assert kept.pending
    assert kept.again() == [StartActivity(), SECOND, EndActivity(), StartActivity(), SECOND]


def test_words_nobody_spoke_go_into_the_first_turn_that_is_sent() -> None:
    assert with_aside([EndActivity(), StartActivity(), SECOND], "so") == (
        EndActivity(),
        StartActivity(),
        InTurnText("so"),
        SECOND,
    )
    assert with_aside([TextTurn("Go on.")], "so") == (TextTurn("so Go on."),)
    assert with_aside([SECOND, EndActivity()], "so") is None
