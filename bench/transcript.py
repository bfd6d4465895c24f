"""python -m bench.transcript: two minutes of unbroken speech by each strategy against a stalled transcription.

The emulator stops transcribing an activity window after 20 s of it, as 2.5 native audio was reported to, and begins an
answer whenever a window ends. All transcribers here are one small recogniser with errors of its own. So `recall` counts
the words that it finds in the same recording when nothing stalls, and beside it is the share of all that was said.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
import soxr
from rich.console import Console
from rich.table import Table

from bench.audio_delivery import RATE, ReceivedAudio, SentAudio
from bench.faulty_call import OLD_MODEL, ROOT, Held, hold
from bench.long_call import write_wav
from core import events
from gemini_live_emulator.session.transcription import Chunker
from gemini_live_emulator.speech import SYNTHESIZER_RATE, SpeechMissing, shared_synthesizer, shared_transcriber
from pipeline.call.emulator_process import EmulatorError
from tests.support.word_recall import recall
from transports.wav.recording import read

STALL = 20.0  # seconds of a window after which the emulator's transcription stops
FRAME = RATE // 50
# Frames at least this loud, as a share of the recording's speech, are inside a word.
LOUD = 0.25
STRATEGIES: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "none": ({"flush": "none"}, None),
    "timer": ({"flush": "timer", "flush_after": 15.0}, None),
    "valley": ({"flush": "valley"}, None),
    "shadow": ({"flush": "none"}, {"use": "shadow", "transcriber": "offline", "when": "always"}),
}
# A Tale of Two Cities, as the recording in moonshine-voice has it.
DICKENS = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it"
    " was the epoch of belief, it was the epoch of incredulity, it was the season of light, it was the season of"
    " darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing"
    " before us, we were all going direct to heaven, we were all going direct the other way, in short, the period was"
    " so far like the present period, that some of its noisiest authorities insisted on its being received, for good or"
    " for evil, in the superlative degree of comparison only."
)
AUSTEN = (
    "And Mister John Dashwood had then leisure to consider how much there might be prudently in his power to do for"
    " them."
)
ANSWERS = (
    "My name is Bruce, Bravo Romeo Uniform Charlie Echo. I'm located in Sackville, New Brunswick.",
    "And Sackville is a small university town. Closest large town is Moncton, New Brunswick.",
    "Ah, the, ah, weather here seems quite nice, nice fall day.",
)


@dataclass(frozen=True, slots=True)
class Speech:
    """A recording: its samples at 16 kHz, what is said in it, and the recogniser's text of it when nothing stalls."""

    samples: np.ndarray
    said: str
    audible: str


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a recording's words under one strategy."""

    source: str
    strategy: str
    characters: int = 0
    recall: float = 0.0
    of_said: float = 0.0
    flushes: int = 0
    cut: int = 0
    premature: int = 0
    turns: int = 0
    usd: str = ""
    problem: str = ""


def human() -> tuple[np.ndarray, str]:
    """Two minutes of recorded people: a novel's opening, three spontaneous answers, a sentence, the opening again."""
    from moonshine_voice import get_assets_path

    novel = _at_rate(Path(str(get_assets_path())) / "two_cities.wav")
    answers = [_at_rate(ROOT / "tests" / "data" / f"answer-{n}.wav") for n in (1, 2, 3)]
    sentence = _at_rate(ROOT / "tests" / "data" / "read.wav")
    samples = np.concatenate([novel, *answers, sentence, novel, sentence])
    return samples, " ".join((DICKENS, *ANSWERS, AUSTEN, DICKENS, AUSTEN))


def reading() -> tuple[np.ndarray, str]:
    """About two minutes of the emulator's own voice."""
    text = (Path(__file__).parent / "monologue.txt").read_text(encoding="utf-8")
    sentences = [part.strip() + "." for part in text.replace("\n", " ").split(".") if part.strip()]
    gap = np.zeros(round(0.25 * RATE), np.int16)
    parts: list[np.ndarray] = []
    for sentence in sentences:
        voice = np.frombuffer(shared_synthesizer().synthesize(sentence), np.int16)
        parts += [soxr.resample(voice, SYNTHESIZER_RATE, RATE).astype(np.int16), gap]
    return np.concatenate(parts), text


def unstalled_text(samples: np.ndarray) -> str:
    """What the emulator's recogniser writes when nothing stalls or is cut but at real pauses."""
    cutter = Chunker()
    chunks = cutter.push(samples.tobytes()) + cutter.finish()
    return " ".join(shared_transcriber().transcribe(chunk) for chunk, _ in chunks)


async def one(source: str, speech: Speech, strategy: str, folder: Path) -> Row:
    """Hold the call."""
    vad, shadow = STRATEGIES[strategy]
    file = write_wav(_made(folder) / "answer.wav", speech.samples)
    # The question asks for a long answer: a pause of a second or two is not its end.
    patient = {"silence": 3.0} | vad
    try:
        held = await hold(folder, "ours", scenario(), [file], model=OLD_MODEL, minutes=6, vad=patient, second=shadow)
    except EmulatorError as error:
        return Row(source, strategy, problem=str(error))
    return measured(source, strategy, speech, held)


def scenario() -> dict[str, Any]:
    """One question that asks for two minutes of speech, and a transcription that stalls."""
    return {
        "name": "transcript",
        "examiner": {
            "kind": "speaking",
            "opening": "Hello.",
            "questions": ["Please speak for two minutes about a place you know well."],
            "acknowledgements": ["I see."],
            "closing": "Thank you. That is the end.",
            "ending": {"speak": "all", "call": "good", "farewell": "Goodbye."},
        },
        "transcription": {"stall_after": STALL},
    }


def measured(source: str, strategy: str, speech: Speech, held: Held) -> Row:
    """The row of a call."""
    text = " ".join(one.text for one in held.record.utterances if one.speaker == "caller")
    billed = [usage for usage in held.of(events.UsageReported) if usage.model.removeprefix("models/") == OLD_MODEL]
    return Row(
        source,
        strategy,
        len(text),
        recall(speech.said, text, audible=speech.audible),
        recall(speech.said, text),
        len(held.of(events.TurnFlushed)),
        cut_words(held.sent, held.received),
        premature(held.sent),
        len(billed),
        f"{held.record.usd:.4f}" if held.record.usd is not None else "?",
    )


def cut_words(sent: SentAudio, received: ReceivedAudio) -> int:
    """How many windows of the truth file end in the middle of loud speech, the caller's turn going on."""
    turn_of = {n: turn for turn, (_, chunks) in enumerate(sent.turns) for n in chunks}
    windows = [window for window in received.windows if window.chunks]
    loudness = _level(np.frombuffer(sent.audio, np.int16)) if windows else 0.0
    count = 0
    for before, after in pairwise(windows):
        last, first = before.chunks[-1], after.chunks[0]
        if turn_of[last] == turn_of[first]:
            sides = (sent.chunks[last][-2 * FRAME :], sent.chunks[first][: 2 * FRAME])
            count += all(_level(np.frombuffer(side, np.int16)) > LOUD * loudness for side in sides)
    return count


def premature(sent: SentAudio) -> int:
    """How often the examiner's audio began during a turn of the caller."""
    count, speaking = 0, False
    for _, what in sent.notes:
        speaking = what == "caller began" or (speaking and what != "caller stopped")
        count += speaking and what == "examiner began"
    return count


def _level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if len(samples) else 0.0


def table(rows: Sequence[Row]) -> Table:
    """A row for each call; the turns that a flush costs are those beyond what the strategy `none` was billed for."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("speech", "strategy", "characters", "recall", "of what was said", "flushes", "words cut",
                 "premature replies", "extra turns billed", "USD", ""):  # fmt: skip
        shown.add_column(name, justify="left" if name in ("speech", "strategy", "") else "right")
    usual = {row.source: row.turns for row in rows if row.strategy == "none"}
    for row in rows:
        if row.problem:
            shown.add_row(row.source, row.strategy, *[""] * 8, f"failed: {row.problem}")
            continue
        extra = row.turns - usual[row.source] if row.source in usual else None
        shown.add_row(
            row.source,
            row.strategy,
            str(row.characters),
            f"{row.recall:.3f}",
            f"{row.of_said:.3f}",
            str(row.flushes),
            str(row.cut),
            str(row.premature),
            "-" if extra is None else str(extra),
            row.usd,
            "",
        )
    return shown


async def run(speeches: dict[str, Speech], strategies: Sequence[str], folder: Path) -> list[Row]:
    """Every strategy on every recording; those of one recording are held side by side."""
    rows: list[Row] = []
    for source, speech in speeches.items():
        calls = (one(source, speech, strategy, folder / source / strategy) for strategy in strategies)
        rows += await asyncio.gather(*calls)
    return rows


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _at_rate(path: Path) -> np.ndarray:
    audio, rate = read(path)
    samples = np.frombuffer(audio, np.int16)
    return samples if rate == RATE else soxr.resample(samples, rate, RATE).astype(np.int16)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--strategy", "only", type=click.Choice(list(STRATEGIES)), multiple=True, help="Only this. [default: all]"
)
@click.option("--speech", type=click.Choice(["human", "read"]), multiple=True, help="Only this. [default: both]")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for configs, records and truth files.")
def main(only: tuple[str, ...], speech: tuple[str, ...], keep: Path | None) -> None:
    """Two minutes of speech against an emulator whose transcription stalls, by each strategy.

    Example: python -m bench.transcript --strategy valley
    """
    makers = {"human": human, "read": reading}
    try:
        speeches = {}
        for source in speech or makers:
            samples, said = makers[source]()
            speeches[source] = Speech(samples, said, unstalled_text(samples))
    except (ImportError, SpeechMissing) as error:
        raise click.ClickException(f"{error}; install the speech extra: pip install -e '.[speech]'") from error
    for source, made in speeches.items():
        own = recall(made.said, made.audible)
        click.echo(
            f"{source}: {len(made.samples) / RATE:.0f} s; the recogniser alone finds {own:.1%} of its words", err=True
        )
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise click.ClickException(f"{keep} is not empty; name a new folder")
    with tempfile.TemporaryDirectory(prefix="transcript-") as temporary:
        began = time.monotonic()
        rows = asyncio.run(run(speeches, only or tuple(STRATEGIES), keep or Path(temporary)))
    Console(width=160).print(table(rows))
    click.echo(f"{time.monotonic() - began:.0f} s. The transcription stalls after {STALL:g} s of a window.")
    if any(row.problem for row in rows):
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    main()
