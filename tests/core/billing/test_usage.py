"""Every token has a modality, every modality a price, and money never falls."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.billing.ledger import Ledger
from core.billing.prices import Price, PriceList, cost
from core.billing.usage import Counted, TokenCounts, fill_in

PRICE = Price(
    text_in=Decimal("0.5"),
    audio_in=Decimal(3),
    image_in=Decimal(3),
    text_out=Decimal(2),
    audio_out=Decimal(12),
    source="a test",
    date="2026-01-01",
)
PRICES = PriceList(models={"gemini-2.5-flash": PRICE, "gemini-2.5-flash-native": PRICE})


def test_a_turn_with_details_is_priced_exactly() -> None:
    counts = TokenCounts({"text": 2500, "audio": 1000}, {"audio": 200, "text": 50}, 3500, 250, thoughts=100)
    counted = fill_in(counts, 0, 0)
    assert not counted.estimated and counted.total == 3850
    assert cost(counted, PRICE) == Decimal("0.00695")  # 1250 + 3000 + 2400 + 100 + 200 millionths


def test_missing_details_are_estimated_from_the_audio_and_marked() -> None:
    counted = fill_in(TokenCounts(prompt_total=1000, response_total=300), audio_in=600, audio_out=900)
    assert counted == Counted({"audio": 600, "text": 400}, {"audio": 300}, 0, estimated=True)


def test_details_that_do_not_add_up_are_filled_to_the_total() -> None:
    # The service once reported 332 text and 165 audio of 522 (discuss.ai.google.dev/t/188765).
    counted = fill_in(TokenCounts({"text": 332, "audio": 165}, prompt_total=522), audio_in=165, audio_out=0)
    assert counted.prompt == {"text": 357, "audio": 165} and counted.estimated


def test_details_without_a_total_count_as_they_are() -> None:
    assert fill_in(TokenCounts(total=900), audio_in=600, audio_out=100) == Counted(
        {"audio": 600, "text": 200}, {"audio": 100}, 0, True
    )
    assert fill_in(TokenCounts({"text": 10}, {"audio": 5}, total=99), 0, 0) == Counted(
        {"text": 10}, {"audio": 5}, 0, False
    )
    assert fill_in(TokenCounts({"text": 10}, {"audio": 5}), 0, 0) == Counted({"text": 10}, {"audio": 5}, 0, False)


def test_images_cost_what_images_cost_and_odd_replies_cost_text() -> None:
    assert cost(Counted({"image": 100}, {"document": 100}, 0, False), PRICE) == Decimal("0.0005")


def test_the_longest_name_that_fits_has_the_price() -> None:
    other = PRICE.model_copy(update={"audio_in": Decimal(9)})
    prices = PriceList(models={"gemini-2.5": other, "gemini-2.5-flash-native": PRICE})
    assert prices.of("models/gemini-2.5-flash-native-audio-preview-12-2025") is PRICE
    assert prices.of("gemini-2.5-pro") is other
    assert prices.of("gpt") is None


def test_a_former_price_list_is_reported_that_its_token_rate_has_no_effect() -> None:
    with pytest.raises(ValueError, match=r"audio_tokens_per_second has no effect, remove it: .* 25 a second are"):
        PriceList.model_validate({"audio_tokens_per_second": 32, "models": {}})


def test_a_model_without_a_price_counts_its_tokens() -> None:
    ledger = Ledger(PRICES)
    assert ledger.charge("mystery", Counted({"text": 10}, {}, 0, True)) == 0
    assert (ledger.usd, ledger.tokens, ledger.estimated, ledger.unpriced) == (0, 10, True, {"mystery"})


tokens = st.dictionaries(st.sampled_from(["text", "audio", "image"]), st.integers(0, 10**6), max_size=3)


@given(st.lists(st.tuples(tokens, tokens, st.integers(0, 10**6), st.integers(0, 10**6)), max_size=10))
def test_the_bill_is_the_sum_and_never_falls(turns: list[tuple[dict[str, int], dict[str, int], int, int]]) -> None:
    ledger, before, parts = Ledger(PRICES), Decimal(0), Decimal(0)
    for prompt, response, total, thoughts in turns:
        counted = fill_in(TokenCounts(prompt, response, total, total, thoughts), total // 2, total // 3)
        assert sum(counted.prompt.values()) >= max(total, sum(prompt.values()))
        parts += ledger.charge("gemini-2.5-flash", counted)
        assert ledger.usd >= before
        before = ledger.usd
    assert ledger.usd == parts
