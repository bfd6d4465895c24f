"""Which fault a scenario wants, and when, how often and on which connections."""

from __future__ import annotations

import difflib
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gemini_live_emulator.faults.catalogue import FAULTS
from gemini_live_emulator.faults.effects import Effect, Emit, RefuseHttp


class FaultRule(BaseModel):
    """One fault of a scenario: which, when, how often, on which connections."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: str = Field(description="its name, see `gemini-live-emulator --list`")
    after: float | None = Field(default=None, ge=0, description="not before this many seconds from the setup")
    turn: int | None = Field(default=None, ge=1, description="in this turn of the model, or from it on")
    message: int | None = Field(default=None, ge=1, description="at this message of the client, or from it on")
    on: str | None = Field(default=None, description="at a message that carries this name, either direction")
    nth: int = Field(default=1, ge=1, description="at which such message, or from which on")
    times: int | None = Field(
        default=None, ge=0, description="how often on this server; 0 is always; else once, or always for a habit"
    )
    chance: float = Field(default=1.0, ge=0, le=1, description="probability, by the scenario's seed")
    connection: int | tuple[int, ...] | None = Field(default=None, description="numbers, from 1; all unless set")
    code: int | None = Field(default=None, description="another close code")
    reason: str | None = Field(default=None, description="another close reason")
    seconds: float | None = Field(default=None, ge=0, description="another duration, where the fault has one")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.fault not in FAULTS:
            near = difflib.get_close_matches(self.fault, FAULTS, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"no fault {self.fault!r}{hint}")
        return self

    @property
    def effect(self) -> Effect:
        """What the fault does."""
        return FAULTS[self.fault].effect

    def applies_to(self, connection: int) -> bool:
        """Say whether it concerns a connection."""
        effect = self.effect
        if self.connection is None or (isinstance(effect, RefuseHttp) and effect.text):
            return True
        if isinstance(self.connection, int):
            return self.connection == connection
        return connection in self.connection

    def limit(self) -> int | None:
        """Say how often it may fire on one server."""
        if self.times is not None:
            return self.times or None
        return 1 if isinstance(self.effect, Emit) else None
