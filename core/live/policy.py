"""How a Live conversation is held: timeouts, limits and modes."""

from dataclasses import dataclass, field
from typing import Literal

from core.live.connection import ConnectionPolicy
from core.live.turn_taking import ReplyGateMode
from core.live.watchdog import WatchdogPolicy

StaleHandle = Literal["instruct", "new_session"]


@dataclass(frozen=True, slots=True)
class LivePolicy:
    """How the conversation is held; times in seconds.

    `reply_gate`: what becomes of the model's output while the caller speaks: "hold" holds the reply to a flush and
    releases it if the caller turns out to have finished with it, "drop" suppresses it, "off" lets it be played.
    `grace`: how long the reply to an answer shorter than the exam plan expects is held; 0 for never.
    `report_suppressed`: a model whose reply was suppressed is informed. `hold_during_calls`: nothing is sent to the
    model while it waits for a function. `context_check`: the longest that the first words after a reconnect are held
    back to see whether the model has lost the context; 0 does not look. `idle_timeout`: how long nobody has spoken when
    the examiner is instructed to speak up; None for never. `spool_after`: how much audio of the replay buffer stays in
    RAM. `stale_handle`: a session that is resumed from before the end of a turn is given the text of that turn
    ("instruct"), or replaced by a new one ("new_session").
    """

    connection: ConnectionPolicy = field(default_factory=ConnectionPolicy)
    watchdog: WatchdogPolicy = field(default_factory=WatchdogPolicy)
    reply_gate: ReplyGateMode = "hold"
    grace: float = 2.0
    report_suppressed: bool = True
    hold_during_calls: bool = True
    context_check: float = 1.5
    idle_timeout: float | None = 40.0
    spool_after: float = 120.0
    stale_handle: StaleHandle = "instruct"
