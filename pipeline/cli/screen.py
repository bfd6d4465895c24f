"""A call on the terminal: the conversation as it happens, then what came of it."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core import events
from core.display import visible
from core.events import Event
from pipeline.cli.sessions import DEFAULT_DATABASE
from pipeline.config.redaction import redacted
from pipeline.record.models import SessionRecord
from pipeline.record.plain_text import plain

NAMES = {"caller": "Candidate", "examiner": "Examiner"}
COLOURS = {"caller": "green", "examiner": "cyan"}


class Screen:
    """Prints what a person watching a call wants to know, and nothing else."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        if not self._console.is_terminal:
            self._console.width = 200  # for a file or another program: no line is cut

    def show(self, event: Event) -> None:
        """An event has just been recorded."""
        match event:
            case events.UtteranceSpoken(speaker=speaker, text=text, started=started):
                cut = "" if not event.interrupted else " [dim](interrupted)[/dim]"
                cut += "" if not event.partial else " [dim](cut off)[/dim]"
                name = f"[{COLOURS[speaker]}]{NAMES[speaker]:<9}[/]"
                self._console.print(f"{_clock(started)}  {name}  {escape(plain(text))}{cut}")
            case events.ConnectionLost(code=code, reason=reason, action=action):
                self._note(event, f"the connection was lost ({code} {reason}); next: {action}")
            case events.ConnectionOpened() if event.at > 5:
                self._note(event, f"the connection is up again after {event.took:.1f} s")
            case events.ConnectionGivenUp(why=why):
                self._note(event, f"the connection was given up: {why}")
            case events.GoAwayReceived(time_left=left):
                self._note(event, f"the service will end this connection in {left:g} s")
            case events.ScoreAsked(missing=missing):
                self._note(event, f"the examiner is asked for {', '.join(missing) or 'the function call'}")
            case events.RepetitionNoticed():
                self._note(event, "the examiner repeats itself")
            case events.ProblemSeen(where=where, what=what):
                self._note(event, f"{where}: {what}")
            case _:
                pass

    def summary(self, record: SessionRecord | None, database: str) -> None:
        """What the record in a database says of a call that is over."""
        if record is None:
            self._console.print("\nThe call left no record.")
            return
        self._console.print()
        table = Table("Criterion", "Band", "Source", "Evidence", box=None, pad_edge=False, header_style="bold")
        for score in record.scores:
            cells = score.name[:1].upper() + score.name[1:], score.shown, score.source, score.evidence or score.why
            table.add_row(*(escape(plain(cell)) for cell in cells))
        if record.scores:
            self._console.print(table)
            self._console.print()
        why = f"{record.why}: {record.detail}" if record.detail else record.why
        self._row("Ended", f"{why} after {_clock(record.seconds or 0)}")
        if record.usd is not None:
            about = " (partly estimated)" if record.estimated else ""
            self._row("Cost", f"{record.usd:.4f} USD for {record.tokens:,} tokens{about}")
        if record.latency_p50 is not None:
            self._row(
                "Latency", f"{record.latency_p50:.2f} s median, {record.latency_p95:.2f} s at the 95th percentile"
            )
        if record.cpu is not None:
            self._row("Load", f"{record.cpu:.3f} CPU seconds a second, {record.frames_late} frames late")
        where = redacted(database)
        self._row("Record", f"{record.id} in {where}")
        option = "" if database == DEFAULT_DATABASE else f" --database {where}"
        self._console.print(visible(f"\ncolloquy sessions show {record.id[:8]}{option}"), style="bold", markup=False)

    def _row(self, name: str, what: str) -> None:
        self._console.print(f"{name:<9}{escape(plain(what))}")

    def _note(self, event: Event, what: str) -> None:
        self._console.print(f"{_clock(event.at)}  [yellow]·[/] {escape(plain(what))}")


class Log:
    """One line for each call that has ended, for the terminal of a server."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._measured: dict[str, events.CallMeasured] = {}
        self._billed: dict[str, events.CallBilled] = {}

    def show(self, session_id: str, event: Event) -> None:
        """An event has just been recorded."""
        match event:
            case events.CallMeasured():
                self._measured[session_id] = event
            case events.CallBilled():
                self._billed[session_id] = event
            case events.CallEnded(why=why, detail=detail):
                self._ended(session_id, f"{why}: {detail}" if detail else why)
            case _:
                pass

    def _ended(self, session_id: str, why: str) -> None:
        parts = [f"{session_id[:8]} {why}"]
        if (measured := self._measured.pop(session_id, None)) is not None:
            parts.append(_clock(measured.seconds))
            if measured.latency_p50 is not None:
                parts.append(f"replies after {measured.latency_p50:.2f} s (p95 {measured.latency_p95:.2f} s)")
            parts.append(f"{measured.frames_late} frames late, {measured.cpu:.3f} CPU s/s")
        if (billed := self._billed.pop(session_id, None)) is not None:
            parts.append(f"{float(billed.usd):.4f} USD")
        self._console.print(escape(plain(" · ".join(parts))))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}"
