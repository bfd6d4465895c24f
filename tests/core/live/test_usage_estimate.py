"""What audio weighs where the service does not say."""

from core.billing.usage import TokenCounts
from core.live.actions import Charge
from core.live.usage_estimate import UsageEstimate


def test_the_context_grows_and_the_reply_is_counted_once() -> None:
    bill, counts = UsageEstimate(), TokenCounts(prompt_total=7)
    bill.heard(4.0)
    bill.spoken(2.0)
    assert bill.charge(counts) == Charge(counts, 150, 50)
    bill.spoken(1.0)
    assert bill.charge(counts) == Charge(counts, 175, 25)


def estimate(prompt: int, response: int, context: int) -> Charge:
    return Charge(TokenCounts(prompt_total=prompt, response_total=response), context, response)


def test_a_turn_without_a_usage_message_is_estimated_once_none_can_come() -> None:
    bill = UsageEstimate(text=1000)
    bill.heard(4.0)
    bill.spoken(2.0)
    assert bill.turn_over() == []
    bill.spoken(1.0)
    assert bill.turn_over() == [estimate(1150, 50, 150)]
    assert bill.settle() == [estimate(1175, 25, 175)]
    assert bill.settle() == []


def test_a_usage_message_belongs_to_the_turn_under_way_or_to_the_one_just_over() -> None:
    bill, counts = UsageEstimate(), TokenCounts(prompt_total=7)
    bill.charge(counts)
    assert bill.turn_over() == []  # it came with the turn
    assert bill.turn_over() == []
    bill.charge(counts)  # it came after the turn
    assert bill.settle() == []
