import pytest

from gemini_live_emulator.protocol.model_facts import MODELS, bare, find


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("form", ["{}", "models/{}", "projects/p/locations/l/publishers/google/models/{}"])
def test_a_model_is_found_by_any_spelling(name: str, form: str) -> None:
    assert find(form.format(name)) is MODELS[name]
    assert bare(form.format(name)) == name


def test_an_unknown_model_is_not_found() -> None:
    assert find("models/gemini-9") is None


def test_a_default_behavior_is_one_that_may_be_asked_for() -> None:
    for model in MODELS.values():
        assert model.default_behavior in model.behaviors


def test_only_the_transcriber_does_not_answer() -> None:
    assert [name for name, model in MODELS.items() if not model.answers] == ["gemini-3.5-transcribe-live"]


def test_only_2_5_takes_content_in_the_middle_of_a_conversation() -> None:
    assert {model.family for model in MODELS.values() if model.content_later} == {"2.5"}
