"""python -m bench.long_call: an exam of many minutes whose connection is lost in mid-answer and sent goAways.

Then the audio of the caller's turns is compared with the audio that the last model received, to the sample.
"""

import asyncio
import hashlib
import tempfile
import time
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import soxr

from bench.audio_delivery import RATE, samples_of
from bench.faulty_call import OLD_MODEL, ROOT, Held, hold
from core import events
from transports.wav.recording import BadRecording, cut, read

CLIPS = tuple(ROOT / "tests" / "data" / f"answer-{n}.wav" for n in (1, 2, 3))
ANSWER = 27.0  # seconds of an answer
CYCLE = 34.0  # seconds from one question to the next
PAUSE = 0.4  # longest silence in an answer; shorter than what ends a turn
# No two alike: a question that resembles an earlier one looks like a model that has lost the context.
TOPICS = (
    *("your town", "a journey", "music", "the sea", "breakfast", "winter", "a teacher", "languages", "football"),
    *("a famous bridge", "gardens", "your first job", "trains", "a good book", "cooking", "neighbours", "money"),
    *("the cinema", "dogs", "a festival", "telephones", "mountains", "shopping", "a mistake", "sleep", "painting"),
)


def answers(source: Sequence[Path], folder: Path, count: int) -> list[Path]:
    """So many answers of `ANSWER` seconds, cut from the recordings laid end to end and begun anew when they run out."""
    gap = bytes(2 * round(PAUSE * RATE))
    parts = [part for path in source for part in cut(_at_rate(path), RATE, PAUSE)]
    samples = np.frombuffer(b"".join(part + gap for part in parts), np.int16)
    length = round(ANSWER * RATE)
    samples = np.tile(samples, -(-count * length // len(samples)))
    return [write_wav(folder / f"answer-{n + 1}.wav", samples[n * length : (n + 1) * length]) for n in range(count)]


def write_wav(path: Path, samples: np.ndarray) -> Path:
    """Write 16-bit mono samples at the bench's rate; returns the path."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def scenario(minutes: float, count: int) -> dict[str, Any]:
    """The exam: a 1011 in mid-answer at a fifth and at two thirds of it, and connections that end with a goAway.

    A client's message that carries audio is one of an open turn, so a fault at such a message falls into an answer.
    """
    seconds = minutes * 60
    rate = 12.5 * ANSWER / CYCLE  # messages in a second of call, 0.08 s of audio each
    return {
        "name": "long",
        "examiner": {
            "kind": "scripted",
            "opening": "Good morning.",
            "questions": [f"Number {n + 1}: what about {TOPICS[n % len(TOPICS)]}?" for n in range(count)],
            "acknowledgements": ["I see."],
            "closing": "That is the end of the test.",
            "heard": [f"This is answer number {n + 1}, in which I say what I think of it." for n in range(count)],
            "words_per_second": 2.0,
        },
        # A connection is sent a goAway after three tenths of the exam, and closed 50 s later.
        "model": {"lifetime": 0.3 * seconds + 50, "lifetime_compressed": 0.3 * seconds + 50, "lead": 50.0},
        "faults": [
            {"fault": "internal_error", "message": round(0.2 * seconds * rate), "connection": 1},
            {"fault": "internal_error", "message": round(0.15 * seconds * rate), "connection": 3},
        ],
    }


def report(held: Held, took: float) -> tuple[list[str], bool]:
    """The comparison, line by line, and whether both records agree."""
    sent, received = held.sent, held.received
    ours, theirs = sent.audio, samples_of(sent, received.context)
    transcript = " ".join(u.text for u in held.record.utterances if u.speaker == "caller")
    count = len(sent.turns)
    present = sum(f"answer number {n + 1}," in transcript for n in range(count))
    recorded = held.of(events.TurnSent)
    samples = sum(turn.samples for turn in recorded)
    lines = [f"call of {took / 60:.1f} minutes, {held.record.why}, {held.record.scored or 'not'} scored", ""]
    for connection in dict.fromkeys(window.connection for window in received.windows):
        its = [window for window in received.windows if window.connection == connection]
        whole, broken = ([w for w in its if w.whole is is_whole] for is_whole in (True, False))
        resumed = received.resumed[connection - 1] if connection <= len(received.resumed) else False
        lines.append(
            f"connection {connection} ({'resumed' if resumed else 'new session'}):"
            f" {len(whole)} windows closed, {sum(w.samples for w in whole)} samples"
            + (f"; cut in mid-window after {broken[0].samples} samples" if broken and broken[0].samples else "")
        )
    lines += [f"fault: {name} on connection {connection} at {at:.1f} s" for at, connection, name in received.faults]
    for going in held.of(events.GoAwayReceived):
        lines.append(f"goAway at {going.at:.1f} s, {going.time_left:g} s left")
    for opened in held.of(events.ConnectionOpened):
        lines.append(f"connected at {opened.at:.1f} s, {opened.gap:.2f} s without a connection")
    for turn in held.of(events.TurnReplayed):
        lines.append(f"replayed at {turn.at:.1f} s: chunks {turn.first} to {turn.last}")
    equal = ours == theirs and samples == len(theirs) // 2
    lines += [
        "",
        f"passed on by the voice detector: {len(ours) // 2} samples in {count} turns, sha256 {_hash(ours)}",
        f"in our record: {samples} samples in {len(recorded)} turns",
        f"in the context of the last model: {len(theirs) // 2} samples in"
        f" {sum(1 for w in received.context if w.samples)} windows, sha256 {_hash(theirs)}",
        f"lost {received.lost(sent) * RATE:.0f} samples, repeated {received.repeated(sent) * RATE:.0f},"
        f" unmatched {received.unmatched}, outside windows {received.discarded}",
        f"longest silence of an examiner who was expected to speak: {sent.longest_silence(took):.1f} s",
        f"answers in the transcript: {present} of {count}",
        "the records agree to the sample" if equal else "THE RECORDS DIFFER",
    ]
    return lines, equal and present == count


def _at_rate(path: Path) -> bytes:
    audio, rate = read(path)
    samples = np.frombuffer(audio, np.int16)
    return audio if rate == RATE else soxr.resample(samples, rate, RATE).astype(np.int16).tobytes()


def _hash(audio: bytes) -> str:
    return hashlib.sha256(audio).hexdigest()[:16]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--minutes", type=click.FloatRange(3, 60), default=14.0, show_default=True, help="Length of the exam.")
@click.option(
    "--wav",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help="Recordings that the answers are cut from. [default: the clips of tests/data]",
)
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for the truth file, the tap's file, the record.")
def main(minutes: float, wav: tuple[Path, ...], keep: Path | None) -> None:
    """Hold a long exam in real time over a connection that fails, and compare both sides' records.

    Example: python -m bench.long_call --minutes 14
    """
    count = max(2, round(minutes * 60 / CYCLE))
    with tempfile.TemporaryDirectory(prefix="long-call-") as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            files = answers(wav or CLIPS, folder, count)
        except BadRecording as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"{time.strftime('%H:%M:%S')} {count} answers of {ANSWER:g} s ...", err=True)
        began = time.monotonic()
        # A pause that the detector finds and the cut did not is to be part of an answer, not its end.
        vad = {"silence": 1.6}
        call = hold(folder, "ours", scenario(minutes, count), files, model=OLD_MODEL, minutes=2 * minutes, vad=vad)
        held = asyncio.run(call)
        lines, agree = report(held, time.monotonic() - began)
    for line in lines:
        click.echo(line)
    if not agree:
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    main()
