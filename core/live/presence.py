"""Whether the caller is there: while no audio comes from them, nobody is prompted, and what is played may be lost."""

from dataclasses import dataclass

from core.live import prompts
from core.live.idle import IdleTimer
from core.live.reply import Reply
from core.live.turn_taking import TurnTaking
from core.live.uplink import Uplink


@dataclass
class Presence:
    """The caller's absences, the examiner's playback and time in; what to instruct the model, out."""

    idle_timer: IdleTimer
    reply: Reply
    turn_taking: TurnTaking
    uplink: Uplink
    _away_since: float = 0.0
    _playing: bool = False  # a reply was being played when the caller went away
    _played_until: float = 0.0  # when the examiner's last playback ended
    _repeat: bool = False  # the last question is to be repeated once the examiner has finished

    def left(self, since: float) -> None:
        """No audio has come from the caller since then."""
        self.idle_timer.pause(since)
        self._away_since, self._playing = since, self.reply.speaking

    def returned(self, now: float, *, missing: float, in_turn: bool, too_long: bool) -> str | None:
        """Audio comes again, `missing` seconds of it never came. Returns what the model is to be instructed now, if
        anything. An absence `in_turn` that was `too_long` ends the turn behind this.
        """
        self.idle_timer.resume(now)
        if in_turn:
            if too_long:
                return prompts.ANSWER_BROKEN_OFF
            return prompts.ANSWER_INTERRUPTED if missing else None
        replying = self.reply.speaking
        missed = self._playing or replying or self._played_until > self._away_since
        self._repeat = missed and replying  # once the examiner has finished
        if replying or self.turn_taking.caller_speaking:
            return None  # a caller who speaks can ask for what was missed
        return prompts.REPEAT if missed or (too_long and not self.uplink.busy) else None

    def playback_stopped(self, now: float) -> str | None:
        """The examiner is not played any more. Returns what the model is to be instructed now, if anything."""
        self._played_until = now
        repeat, self._repeat = self._repeat, False
        return prompts.REPEAT if repeat and not self.turn_taking.caller_speaking else None
