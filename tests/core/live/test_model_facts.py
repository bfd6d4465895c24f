"""A model's facts are found by the beginning of its name."""

from core.live.model_facts import FAMILIES, UNKNOWN, model_facts


def test_every_family_is_found_with_and_without_its_path() -> None:
    for prefix, known in FAMILIES:
        assert model_facts(f"{prefix}-something") is model_facts(f"models/{prefix}-x") is known


def test_an_unknown_model_gets_the_stricter_facts() -> None:
    assert model_facts("gemini-9") is UNKNOWN
