"""How a Live conversation is held, and the few words we say to the model ourselves."""

from dataclasses import dataclass, field
from typing import Literal

from core.live.connection import ConnectionPolicy
from core.live.turn_taking import ReplyGateMode
from core.live.watchdog import WatchPolicy


@dataclass(frozen=True, slots=True)
class LivePolicy:
    """How the conversation is held.

    `gate`: what becomes of what the model says while the caller has the floor: "hold" keeps the reply to a flush and
    lets it go if the caller turns out to have finished with it, "drop" throws it away, "off" lets it be heard.
    `grace`: seconds that the reply to an answer shorter than the exam plan expects is held back; 0 never.
    `tell_unheard`: a model whose reply nobody heard is told so. `hold_during_calls`: nothing reaches the model while it
    waits for a function. `check`: the longest the first words after a reconnect are held back to see whether the model
    still knows the exam; 0 does not look. `idle`: seconds of everybody's silence after which the examiner is told to
    speak up. `stale_handle`: a session that is resumed from
    before the end of a turn is told of that turn in words ("tell"), or given up for a new one ("fresh").
    """

    link: ConnectionPolicy = field(default_factory=ConnectionPolicy)
    watch: WatchPolicy = field(default_factory=WatchPolicy)
    gate: ReplyGateMode = "hold"
    grace: float = 2.0
    tell_unheard: bool = True
    hold_during_calls: bool = True
    check: float = 1.5
    idle: float | None = 40.0
    memory_seconds: float = 120.0
    stale_handle: Literal["tell", "fresh"] = "tell"
