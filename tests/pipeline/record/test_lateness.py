"""How long after it came something is on record: what a process that is killed can cost. On virtual time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from pipecat.frames.frames import TranscriptionFrame, TTSTextFrame, UserStartedSpeakingFrame

from core.events import CallEnded, CallerConnected, Event, ToolCalled, VerdictGiven
from pipeline.record.journal import StoreJournal
from pipeline.record.models import LoggedEvent
from processors.transcript import Transcript, TranscriptSettings
from support.frames import running
from support.record import said
from support.session import FakeSession

COMMIT = 0.05  # seconds that a write takes here
SECOND = 1.0  # docs/jobs.md and docs/log.md promise so much, not what the code has for it


class TimedStore:
    """Remembers what was written when."""

    closed = False

    def __init__(self, folder: Path) -> None:
        self.spill_folder = folder / "spill"
        self.written: list[tuple[float, LoggedEvent]] = []

    async def append_logged(self, session_id: str, events: Sequence[LoggedEvent]) -> None:
        await asyncio.sleep(COMMIT)
        now = asyncio.get_running_loop().time()
        self.written += [(now, event) for event in events]


class RecordedSession(FakeSession):
    """A session whose events go into a journal."""

    def __init__(self, journal: StoreJournal) -> None:
        super().__init__()
        self.journal = journal

    def record(self, event: Event) -> None:
        super().record(event)
        self.journal.record(event)


@pytest.fixture
def store(tmp_path: Path) -> TimedStore:
    return TimedStore(tmp_path)


@pytest.fixture
async def journal(store: TimedStore) -> AsyncIterator[StoreJournal]:
    journal = StoreJournal(store, "s1")  # pyright: ignore[reportArgumentType]
    yield journal
    await journal.drain()


DECIDING = [
    said("I give you a six."),
    ToolCalled(1.0, "1", "report", {"fluency": 6}),
    VerdictGiven(1.0, "complete", {}),
    CallEnded(1.0, "completed"),
]


@pytest.mark.parametrize("event", DECIDING, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("lingering", [False, True])
async def test_what_the_result_depends_on_is_written_at_once(
    store: TimedStore, journal: StoreJournal, event: Event, lingering: bool
) -> None:
    if lingering:
        journal.record(CallerConnected(0.0, "wav"))
        await asyncio.sleep(SECOND / 2)
    recorded = asyncio.get_running_loop().time()
    journal.record(event)
    await asyncio.sleep(2 * SECOND)
    assert store.written[-1][0] == pytest.approx(recorded + COMMIT)


async def test_what_comes_during_a_write_is_written_right_after_it(store: TimedStore, journal: StoreJournal) -> None:
    recorded = asyncio.get_running_loop().time()
    journal.record(said("one"))
    await asyncio.sleep(COMMIT / 2)
    journal.record(said("two"))
    await asyncio.sleep(SECOND)
    assert [at for at, _ in store.written] == [pytest.approx(recorded + COMMIT), pytest.approx(recorded + 2 * COMMIT)]


async def test_any_event_is_written_within_a_second(store: TimedStore, journal: StoreJournal) -> None:
    recorded: list[float] = []
    for _ in range(50):
        recorded.append(asyncio.get_running_loop().time())
        journal.record(CallerConnected(0.0, "wav"))
        await asyncio.sleep(0.13)
    await asyncio.sleep(2 * SECOND)
    assert len(store.written) == len(recorded)
    late = [at - since for since, (at, _) in zip(recorded, store.written, strict=True)]
    assert max(late) <= SECOND + 2 * COMMIT


@pytest.mark.parametrize("speaker", ["caller", "examiner"])
async def test_words_are_on_record_two_seconds_after_they_came_or_a_tenth_of_the_age_of_their_utterance(
    store: TimedStore, journal: StoreJournal, speaker: str
) -> None:
    session = RecordedSession(journal)
    loop = asyncio.get_running_loop()
    came: list[tuple[str, float]] = []
    async with running(Transcript(TranscriptSettings(), session)) as ends:
        began = loop.time()
        if speaker == "caller":
            await ends.push(UserStartedSpeakingFrame())
        for n in range(200):
            word = f"word{n}."
            came.append((word, loop.time()))
            await ends.push(
                TranscriptionFrame(f" {word}", "", "") if speaker == "caller" else TTSTextFrame(f" {word}", "sentence")
            )
            await asyncio.sleep(0.3)
        await asyncio.sleep(10)
        assert not session.utterances, "it is one utterance, and not finished"
        checkpoints = [(at, one.data) for at, one in store.written if one.kind == "TranscriptCheckpointed"]
    for word, since in came:
        written = next(at for at, data in checkpoints if word in data["text"])
        # One commit may be under way when the checkpoint is recorded.
        most = SECOND + max(SECOND, (since - began) / 10) + 2 * COMMIT
        assert written - since <= most, (
            f"{word} was on record {written - since:.2f} s after it came; {most:.2f} allowed"
        )
