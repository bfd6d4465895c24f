"""The tokens of a usage message, with an estimate for modalities that the service left out.

The service bills every turn for the whole context again: the bill is the sum of all usage messages, not the last one
(discuss.ai.google.dev/t/173248: within 3 % of the invoice). Details by modality come and go, so what is missing is
estimated from the audio that was sent and received, and marked as an estimate.
"""

from dataclasses import dataclass, field

# Audio tokens a second on the Live API, both ways. Vendor's provisioned-throughput example for Live: 10 s are 250
# tokens; 32 a second is the rate of the non-Live audio models.
AUDIO_TOKENS_PER_SECOND = 25
# English text, by Google's rule of thumb (ai.google.dev/gemini-api/docs/tokens).
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """One usage message: tokens by modality where the service gave details, and its plain totals.

    `prompt` and `response` are as detailed; `prompt_total` and `response_total` are what the service summed, which
    need not agree with the details (observed on the service: discuss.ai.google.dev/t/188765). `total` is its sum of
    both, used only where the message has nothing else.
    """

    prompt: dict[str, int] = field(default_factory=dict[str, int])
    response: dict[str, int] = field(default_factory=dict[str, int])
    prompt_total: int = 0
    response_total: int = 0
    thoughts: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of one usage message with every modality filled in."""

    prompt: dict[str, int]
    response: dict[str, int]
    thoughts: int
    estimated: bool

    @property
    def total(self) -> int:
        """All tokens that cost money."""
        return sum(self.prompt.values()) + sum(self.response.values()) + self.thoughts


def fill_in(counts: TokenCounts, audio_in: int, audio_out: int) -> Counted:
    """The counts with every token in a modality.

    `audio_in` estimates the audio tokens in the context, `audio_out` those of the reply. They are used only for tokens
    whose modality the service left out.
    """
    prompt_total, response_total = counts.prompt_total, counts.response_total
    if not (prompt_total or response_total or counts.prompt or counts.response):
        response_total = min(audio_out, counts.total)
        prompt_total = counts.total - response_total
    prompt, prompt_estimated = _spread(counts.prompt, prompt_total, audio_in)
    response, response_estimated = _spread(counts.response, response_total, audio_out)
    return Counted(prompt, response, counts.thoughts, prompt_estimated or response_estimated)


def _spread(details: dict[str, int], total: int, audio: int) -> tuple[dict[str, int], bool]:
    missing = total - sum(details.values())
    if missing <= 0:
        return dict(details), False
    spread = dict(details)
    as_audio = min(missing, max(0, audio - spread.get("audio", 0)))
    for modality, tokens in (("audio", as_audio), ("text", missing - as_audio)):
        if tokens:
            spread[modality] = spread.get(modality, 0) + tokens
    return spread, True
