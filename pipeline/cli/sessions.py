"""colloquy sessions: what the record holds."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.display import visible
from pipeline.record.export import EXPORTS, as_json, clock, completeness, dollars, ending, summary_values
from pipeline.record.happenings import happenings
from pipeline.record.models import SessionRecord, SessionSummary, StoreError
from pipeline.record.plain_text import plain, speaker
from pipeline.record.store import Store
from pipeline.record.verdict_text import STATUS, remarks, verdict_of

DEFAULT_DATABASE = "sqlite+aiosqlite:///sessions.db"

T = TypeVar("T")

_database = click.option(
    "--database",
    envvar="COLLOQUY_DATABASE",
    default=DEFAULT_DATABASE,
    show_default=True,
    metavar="URL",
    help="The database of the record; COLLOQUY_DATABASE also names it.",
)


@click.group("sessions")
def command() -> None:
    """List, show and export recorded calls.

    Example: colloquy sessions list
    """


@command.command("list")
@_database
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most this many.")
@click.option("--arm", help="Only sessions of this arm of an experiment.")
@click.option("--state", type=click.Choice(["open", "closed"]), help="Only sessions that are still open, or are not.")
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON instead of a table.")
def list_sessions(database: str, limit: int, arm: str | None, state: str | None, json_wanted: bool) -> None:
    """List the newest sessions.

    Example: colloquy sessions list --arm valley --limit 5
    """
    wanted = None if state is None else "open" if state == "open" else "closed"
    found = _run(database, lambda store: store.sessions(limit=limit, arm=arm, state=wanted))
    if json_wanted:
        click.echo(visible(json.dumps([summary_values(each) for each in found], indent=2, ensure_ascii=False)))
    elif found:
        _console().print(_table(found))
    else:
        click.echo("No sessions.")


@command.command("show")
@click.argument("session_id", metavar="ID")
@_database
@click.option("--json", "json_wanted", is_flag=True, help="Print the whole record as JSON.")
def show(session_id: str, database: str, json_wanted: bool) -> None:
    """Show a session: how it went, its scores, what happened, its transcript.

    The first letters of ID do if no other has them.

    Example: colloquy sessions show 3f9a
    """
    record = _run(database, lambda store: _find(store, session_id))
    if json_wanted:
        click.echo(visible(as_json(record)), nl=False)
    else:
        _print_record(_console(), record)


@command.command("export")
@click.argument("session_id", metavar="ID")
@click.option("--format", "form", type=click.Choice(list(EXPORTS)), required=True, help="json, Markdown or WebVTT.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, not to the screen."
)
@_database
def export(session_id: str, form: str, output: Path | None, database: str) -> None:
    """Write a session as a document.

    Example: colloquy sessions export 3f9a --format vtt --output call.vtt
    """
    document = EXPORTS[form](_run(database, lambda store: _find(store, session_id)))
    if output is None:
        click.echo(visible(document), nl=False)
        return
    try:
        output.write_text(document, encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}.") from error


def _run(database: str, ask: Callable[[Store], Awaitable[T]]) -> T:
    async def asked() -> T:
        store = await Store.open(database, create=False)
        try:
            return await ask(store)
        finally:
            await store.close()

    try:
        return asyncio.run(asked())
    except StoreError as error:
        raise click.ClickException(str(error)) from error


async def _find(store: Store, wanted: str) -> SessionRecord:
    record = await store.session(wanted)
    if record is not None:
        return record
    fitting = await store.ids(prefix=wanted, limit=6)
    if len(fitting) == 1 and (record := await store.session(fitting[0])) is not None:
        return record
    if fitting:
        some = ", ".join(fitting[:5]) + (" and others" if len(fitting) > 5 else "")
        raise StoreError(f"More than one session begins with {wanted!r}: {some}.")
    known = await store.ids()
    if not known:
        raise StoreError(f"There is no session {wanted!r}. {store.place} holds none at all.")
    near = get_close_matches(wanted, known, n=3, cutoff=0.3) or known[:3]
    raise StoreError(f"There is no session {wanted!r}. Near it: {', '.join(near)}.")


def _console() -> Console:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 200  # for a file or another program: no line is cut
    return console


def _table(found: list[SessionSummary]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "opened (UTC)", "length", "ended", "transport", "arm", "scores", "cost"):
        table.add_column(heading, no_wrap=heading == "id", overflow="fold")
    for each in found:
        cells = (
            each.id,
            f"{each.opened_at:%Y-%m-%d %H:%M}",
            "" if each.seconds is None else clock(each.seconds),
            ending(each) if each.state == "open" or each.why == "completed" else each.why or "closed",
            each.transport,
            each.arm or "",
            each.scored,
            "" if each.usd is None else dollars(each.usd),
        )
        table.add_row(*(Text(plain(cell)) for cell in cells))
    return table


def _after(record: SessionRecord) -> dict[str, str]:
    """What became of the result once the call was over; nothing where nothing is awaited or was sent."""
    after = {"verdict": "not given yet"} if record.verdict_pending and record.state == "closed" else {}
    sent = [one for one in record.events if one.kind in ("WebhookDelivered", "WebhookFailed")]
    if sent:
        last = sent[-1].data
        how = f"at attempt {last['attempt']}, {last['when']}"
        if sent[-1].kind == "WebhookDelivered":
            return {**after, "webhook": f"delivered {how}"}
        given_up = "given up" if last["last"] else "failed, to be tried again"
        return {**after, "webhook": f"{given_up} {how}: {last['why']}"}
    return {**after, "webhook": "not sent yet"} if record.webhook_pending else after


def _print_record(console: Console, record: SessionRecord) -> None:
    length = "" if record.seconds is None else f", {clock(record.seconds)} long"
    rows = {
        "session": record.id,
        "opened": f"{record.opened_at:%Y-%m-%d %H:%M:%S} UTC{length}",
        "ended": ending(record),
        "transcript": completeness(record),
        "config": " ".join(part for part in (record.config_name, record.arm, record.model) if part),
        "caller": f"{record.caller or 'unknown'} by {record.transport}",
        "cost": f"{dollars(record.usd, estimated=record.estimated)}, {record.tokens or 0} tokens",
        "scores": record.scored,
        **_after(record),
    }
    header = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        if not value:
            continue
        header.add_row(Text(name, style="dim"), Text(plain(value)))
    console.print(header)
    if record.scores:
        scores = Table(box=None, pad_edge=False)
        for heading in ("criterion", "score", "source", "evidence"):
            scores.add_column(heading, overflow="fold")
        for score in record.scores:
            cells = (score.name, score.shown, score.source, score.evidence or score.why)
            scores.add_row(*(Text(plain(cell)) for cell in cells))
        console.print()
        console.print(scores)
    if (verdict := verdict_of(record)) is not None:
        console.print()
        console.print(f"verdict {STATUS.get(verdict['status'], verdict['status'])}")
        for who, what in remarks(verdict):
            console.print(Text(plain(f"  {who}: {what}"), style="dim"))
    happened = list(happenings(record.events))
    if happened:
        console.print()
    for at, what, about in happened:
        printed = Text.assemble((f"{clock(at)} ", "dim"))
        console.print(printed.append(plain(f"{what} ({', '.join(about)})") if about else what), soft_wrap=True)
    if record.utterances:
        console.print()
    for utterance in record.utterances:
        mark = " [interrupted]" if utterance.interrupted else " [partial]" if utterance.partial else ""
        printed = Text(f"{clock(utterance.started)} ", style="dim")
        printed.append(f"{speaker(utterance.speaker)}: ", style="bold")
        console.print(printed.append(plain(utterance.text) + mark, style="not dim"), soft_wrap=True)
