"""The estimate where the service sends no usage."""

from core.billing.usage import TokenCounts
from core.live.actions import Charge
from core.live.usage_estimate import UsageEstimate


def test_the_context_grows_and_the_reply_is_counted_once() -> None:
    usage, counts = UsageEstimate(), TokenCounts(prompt_total=7)
    usage.caller_audio(4.0)
    usage.model_audio(2.0)
    assert usage.charge(counts) == Charge(counts, 150, 50)
    usage.model_audio(1.0)
    assert usage.charge(counts) == Charge(counts, 175, 25)


def estimate(prompt: int, response: int, context: int) -> Charge:
    return Charge(TokenCounts(prompt_total=prompt, response_total=response), context, response)


def test_a_turn_without_a_usage_message_is_estimated_once_none_can_come() -> None:
    usage = UsageEstimate(text_tokens=1000)
    usage.caller_audio(4.0)
    usage.model_audio(2.0)
    assert usage.turn_complete() == []
    usage.model_audio(1.0)
    assert usage.turn_complete() == [estimate(1150, 50, 150)]
    assert usage.finish() == [estimate(1175, 25, 175)]
    assert usage.finish() == []


def test_a_usage_message_belongs_to_the_turn_under_way_or_to_the_one_just_over() -> None:
    usage, counts = UsageEstimate(), TokenCounts(prompt_total=7)
    usage.charge(counts)
    assert usage.turn_complete() == []  # it came with the turn
    assert usage.turn_complete() == []
    usage.charge(counts)  # it came after the turn
    assert usage.finish() == []
