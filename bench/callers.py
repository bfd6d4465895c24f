"""The process of the callers: calls a server N times, talks for a while, prints its measurements as lines of JSON."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click
import httpx

from bench.caller import Caller, Kind
from bench.lateness import late
from bench.speech import silence, utterance
from pipeline.call.loop_lag import LoopLag

# A call is in its steady state when the first answer is over and its lazy imports are done.
SETTLE = 3.0
GREETING_WITHIN = 20.0
# Callers who call in the same second would talk in step for the whole round.
APART = 0.35


@dataclass(frozen=True, slots=True)
class Measurements:
    """What the callers of one round measured together. `own_late` is how often they themselves were late."""

    latencies: list[float]
    unanswered: int
    frames: int
    late: int
    dropped: int
    own_late: int


class NoCall(RuntimeError):
    """A call did not come about; the message says why."""


async def call(url: str, caller: Caller) -> None:
    """Place one call. Raises NoCall."""
    try:
        async with httpx.AsyncClient(timeout=30) as client:
            offer = {"sdp": await caller.offer(), "type": "offer"}
            response = await client.post(f"{url}api/offer", json=offer, headers={"Authorization": "Bearer bench"})
            response.raise_for_status()
        await caller.accept(response.json())
    except (httpx.HTTPError, TimeoutError, ValueError) as error:
        raise NoCall(f"a call was not answered: {error or type(error).__name__}") from error


async def talk(url: str, calls: int, seconds: float, kind: Kind) -> Measurements:
    """Hold the calls, say when the measuring begins and ends, and hang up. Raises NoCall."""
    answer, quiet = utterance(), silence()
    callers = [Caller(kind, answer, quiet) for _ in range(calls)]
    try:
        for caller in callers:
            await call(url, caller)
            await asyncio.sleep(APART)
        await _all_answered(callers)
        await asyncio.sleep(SETTLE)
        async with LoopLag() as own:
            for caller in callers:
                caller.begin()
            click.echo(json.dumps({"now": "begin"}))
            await asyncio.sleep(seconds)
            click.echo(json.dumps({"now": "end"}))
            return Measurements(
                latencies=[latency for caller in callers for latency in caller.latencies],
                unanswered=sum(caller.unanswered for caller in callers),
                frames=sum(len(caller.arrivals) for caller in callers),
                late=sum(late(caller.arrivals) for caller in callers),
                dropped=sum(not caller.connected for caller in callers),
                own_late=own.late_frames,
            )
    finally:
        await asyncio.gather(*(caller.close() for caller in callers), return_exceptions=True)


async def _all_answered(callers: Sequence[Caller]) -> None:
    try:
        async with asyncio.timeout(GREETING_WITHIN):
            await asyncio.gather(*(caller.first_audio.wait() for caller in callers))
    except TimeoutError as error:
        silent = sum(not caller.first_audio.is_set() for caller in callers)
        raise NoCall(f"{silent} of {len(callers)} calls stayed silent for {GREETING_WITHIN:g} s") from error


@click.command()
@click.argument("url")
@click.option("--calls", type=int, required=True)
@click.option("--seconds", type=float, required=True)
@click.option("--kind", type=click.Choice(["exam", "echo"]), required=True)
def main(url: str, calls: int, seconds: float, kind: Kind) -> None:
    """Call the server at URL."""
    try:
        click.echo(json.dumps(asdict(asyncio.run(talk(url, calls, seconds, kind)))))
    except NoCall as error:
        click.echo(json.dumps({"failure": str(error)}))


if __name__ == "__main__":
    main()
