import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.loading import ConfigError, load
from support.configs import FOREIGN, LOUDNESS, MODEL, SECRET, Folder, folder, stages
from support.examples import Foreign, Gate, Loudness, LoudnessSettings, OpenEnded

__all__ = ["folder"]

# --- what a config comes to


def test_a_stage_gets_its_settings_with_the_defaults(folder: Folder) -> None:
    config = folder.load(stages(f"{LOUDNESS}, floor: -30"))
    (plan,) = config.stages
    assert (plan.name, plan.cls) == ("Loudness", Loudness)
    assert plan.settings == LoudnessSettings(floor=-30)


def test_a_config_that_says_little_gets_the_defaults_of_the_rest(folder: Folder) -> None:
    config = folder.load(stages(LOUDNESS))
    assert config.name == "exam"
    assert (config.budget.usd, config.budget.minutes) == (None, 15)
    assert config.database == "sqlite+aiosqlite:///sessions.db"
    assert (config.listen, config.prices, config.emulator, config.experiment) == (None, None, None, None)


def test_a_stage_is_built_with_its_settings_and_the_session(folder: Folder) -> None:
    config = folder.load(stages(LOUDNESS))
    session: Any = object()
    stage = config.stages[0].build(session)
    assert isinstance(stage, Loudness)
    assert stage.settings is config.stages[0].settings and stage.session is session


def test_any_pipecat_processor_gets_its_keys_as_keywords(folder: Folder) -> None:
    config = folder.load(stages(f"{FOREIGN}, level: 3, api_key: '${{KEY}}', options: {{a: [1, 2]}}"), {"KEY": SECRET})
    session: Any = object()
    built = config.stages[0].build(session)
    assert isinstance(built, Foreign)
    assert built.given == (3, SECRET, {"a": [1, 2]})


def test_what_one_call_does_to_its_keywords_no_other_call_sees(folder: Folder) -> None:
    plan = folder.load(stages("use: support.examples:OpenEnded, list: [1]")).stages[0]
    session: Any = object()
    first, second = plan.build(session), plan.build(session)
    assert isinstance(first, OpenEnded) and isinstance(second, OpenEnded)
    first.given["list"].append(2)
    assert second.given == {"list": [1]}


def test_a_listener_is_found_like_a_stage(folder: Folder) -> None:
    config = folder.load(stages(LOUDNESS, more="listen: {use: support.examples:Gate, port: '${PORT}'}"), {"PORT": "99"})
    assert config.listen is not None
    assert config.listen.cls is Gate
    assert config.listen.settings == Gate.Settings(port=99)


def test_the_same_stage_twice_takes_a_name_of_its_own(folder: Folder) -> None:
    config = folder.load(stages(LOUDNESS, f"{LOUDNESS}, as: after"))
    assert [plan.name for plan in config.stages] == ["Loudness", "after"]


def test_files_are_beside_the_config(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("Be kind.")
    (plan,) = folder.load(stages(f"{MODEL}, model: m, prompt: prompt.md")).stages
    assert plan.settings is not None
    assert plan.settings.model_dump()["prompt"] == tmp_path / "prompt.md"


def test_a_price_list_is_read_with_the_config(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(
        "models: {m: {text_in: 1, audio_in: 2, image_in: 3, text_out: 4, audio_out: 5, source: a, date: b}}"
    )
    config = folder.load(stages(LOUDNESS, more="prices: prices.yaml\nbudget: {usd: 0.10}"))
    assert config.prices == tmp_path / "prices.yaml"
    assert config.price_list is not None and config.price_list.models["m"].audio_out == 5
    assert str(config.budget.usd) == "0.1"


def test_the_resolved_config_is_plain_json_with_defaults_and_without_secrets(folder: Folder) -> None:
    config = folder.load(
        stages(
            LOUDNESS,
            f"{MODEL}, model: '${{MODEL}}', key: '${{KEY}}'",
            f"{FOREIGN}, level: 1, api_key: {SECRET}, options: {{nested: '${{KEY}}', token: {SECRET}}}",
            more="listen: {use: support.examples:Gate}\ndatabase: 'postgresql+asyncpg://me:${KEY}@host/db'",
        ),
        {"KEY": SECRET, "MODEL": "gemini"},
    )
    resolved = config.resolved()
    assert json.loads(json.dumps(resolved)) == resolved
    assert SECRET not in json.dumps(resolved) and SECRET not in repr(config)
    assert resolved["stages"] == [
        {
            "use": "support.examples:Loudness",
            "as": "Loudness",
            "floor": -40.0,
            "unit": "dB",
            "bands": [100, 1000],
        },
        {
            "use": "support.examples:Model",
            "as": "Model",
            "model": "gemini",
            "key": "**********",
            "prompt": None,
            "address": "",
        },
        {
            "use": "support.examples:Foreign",
            "as": "Foreign",
            "level": 1,
            "api_key": "**********",
            "options": {"nested": "**********", "token": "**********"},
        },
    ]
    assert resolved["listen"] == {"use": "support.examples:Gate", "port": 8080}
    assert resolved["database"] == "postgresql+asyncpg://me:**********@host/db"
    assert resolved["budget"] == {"usd": None, "minutes": 15.0}


# --- former names


def test_a_former_key_or_value_is_answered_with_its_new_name_at_its_own_place(folder: Folder) -> None:
    old = "  - use: support.examples:Loudness\n    threshold: -30\n    unit: loudness units\n    smooth: [100]\n"
    assert folder.complaints(f"stages:\n{old}") == [
        "exam.yaml: stages.0.threshold: threshold is now called floor (line 3)",
        'exam.yaml: stages.0.unit: "loudness units" is now called "LUFS" (line 4)',
        "exam.yaml: stages.0.smooth: smooth is now called bands (line 5)",
    ]


def test_a_former_name_in_an_arm_is_answered_there(folder: Folder) -> None:
    arms = "experiment:\n  arms:\n    a:\n      set:\n        Loudness.threshold: -30\n"
    (line,) = folder.complaints(stages(LOUDNESS, more=arms))
    assert line.endswith("set.Loudness.threshold: threshold is now called floor (line 7)")


# --- secrets stay secret


@pytest.mark.parametrize(
    "entry",
    [
        f"{MODEL}, model: m, key: {{a: '${{KEY}}'}}",
        f"{MODEL}, model: m, key: 'test-${{KEY}}'",
        f"{MODEL}, model: m, key: test-{SECRET}",
        f"{MODEL}, model: m, prompt: '${{KEY}}'",
        f"{MODEL}, model: m, address: 'http://${{KEY}}'",
        f"{LOUDNESS}, floor: '${{KEY}}'",
        f"{LOUDNESS}, unit: '${{KEY}}'",
        f"{LOUDNESS}, bands: ['${{KEY}}']",
        "use: '${KEY}'",
        "use: 'support.examples:${KEY}'",
        f"{FOREIGN}, levl: '${{KEY}}'",
        f"{FOREIGN}, level: 1, as: '${{KEY}}.'",
    ],
)
def test_no_error_shows_a_secret(folder: Folder, entry: str) -> None:
    lines = folder.complaints(stages(entry), {"KEY": SECRET})
    assert SECRET.lower() not in "\n".join(lines).lower()
    assert len(lines) <= 2


def test_a_variable_that_leads_nowhere_is_named(folder: Folder) -> None:
    lines = folder.complaints(stages(f"{MODEL}, model: m, prompt: 'prompts/${{PROMPT}}'"), {"PROMPT": "examiner.md"})
    assert lines == ["exam.yaml: stages.0.prompt: there is no file prompts/${PROMPT} (line 2)"]


def test_no_error_about_other_parts_shows_a_secret(folder: Folder) -> None:
    text = stages(
        LOUDNESS,
        more="database: 'mysql+${KEY}://me:${KEY}@x/y'\nemulator: {scenario: '${KEY}'}\nlisten: {use: '${KEY}'}\n"
        "name: {a: '${KEY}'}\nexperiment: {arms: {a: {set: {Loudness.floor: '${KEY}', Loudness.unit: '${KEY}'}}}}",
    )
    lines = folder.complaints(text, {"KEY": SECRET})
    assert SECRET.lower() not in "\n".join(lines).lower()
    assert len(lines) == 6


# --- whatever is in the file, there is a sentence

yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
keys = st.sampled_from(["name", "listen", "stages", "budget", "prices", "database", "emulator", "experiment"])


@given(st.dictionaries(keys, yaml_values, max_size=5))
def test_any_values_are_loaded_or_refused_in_sentences(tmp_path_factory: Any, document: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    for line in str(caught.value).split("\n"):
        assert line.startswith(f"{path}: ")


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_in_sentences(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert str(caught.value).startswith(f"{path}: ")
