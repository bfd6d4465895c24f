"""A model's facts are found by the beginning of its name."""

from core.live.model_facts import FAMILIES, UNKNOWN, facts


def test_every_family_is_found_with_and_without_its_path() -> None:
    for prefix, known in FAMILIES:
        assert facts(f"{prefix}-something") is facts(f"models/{prefix}-x") is known


def test_a_model_nobody_knows_gets_the_stricter_facts() -> None:
    assert facts("gemini-9") is UNKNOWN
