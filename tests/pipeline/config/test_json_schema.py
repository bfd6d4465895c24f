import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from pipeline.cli.main import main
from pipeline.config import reference
from pipeline.config.json_schema import json_schema
from pipeline.config.registry import LISTENERS, STAGES, resolve

ROOT = Path(__file__).parents[3]
CONFIGS = sorted(path for path in (ROOT / "configs").glob("*.yaml") if path.name != "prices.yaml")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema()


def complaints(schema: dict[str, Any], text: str) -> list[str]:
    return [error.json_path for error in Draft202012Validator(schema).iter_errors(yaml.safe_load(text))]


def test_it_is_a_schema_of_draft_2020_12(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_config_here_fits_it_variables_and_all(schema: dict[str, Any], path: Path) -> None:
    assert complaints(schema, path.read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "stages: [{use: my_school.loudness:Loudness, anything: {goes: here}, as: first}]",
        "stages: [{use: transcript}]\nlisten: {use: webrtc, port: '${PORT:-8080}'}",
        "stages: [{use: transcript}]\nlisten: {use: my.listeners:Gate, port: 1}",
        "stages: [{use: manual_vad, flush: '${FLUSH}', silence: '${SILENCE}'}]",
        "stages: [{use: gemini_live, model: m, backoff: [1, '${SECOND}']}]",
    ],
)
def test_what_loads_also_fits(schema: dict[str, Any], text: str) -> None:
    assert complaints(schema, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "stages: []",
        "stages: [{use: transcript}]\nnam: x",
        "stages: [{use: resampelr}]",
        "stages: [{rate: 16000}]",
        "stages: [{use: manual_vad, silense: 1}]",
        "stages: [{use: manual_vad, silence: long}]",
        "stages: [{use: manual_vad, flush: noon}]",
        "stages: [{use: transcript, as: a.b}]",
        "stages: [{use: transcript}]\nlisten: {use: webrtc, prot: 1}",
        "stages: [{use: transcript}]\nlisten: {use: webrtc, port: 65536}",
        "stages: [{use: transcript}]\nexperiment: {arms: {}}",
    ],
)
def test_what_is_refused_does_not_fit(schema: dict[str, Any], text: str) -> None:
    assert complaints(schema, text) != []


def test_every_registered_name_and_key_is_offered_with_an_explanation(schema: dict[str, Any]) -> None:
    offered = {
        choice["properties"]["use"].get("const"): choice["properties"]
        for where in (schema["properties"]["stages"]["items"], schema["properties"]["listen"])
        for choice in where["oneOf"]
        if "properties" in choice
    }
    for kind, names in (("stage", STAGES), ("listener", LISTENERS)):
        for name in names:
            assert offered[name]["use"]["description"]
            for key in resolve(name, names, kind).Settings.model_fields:
                assert offered[name][key].get("description"), f"{name}.{key} has no description"


def test_the_command_prints_it(schema: dict[str, Any]) -> None:
    result = CliRunner().invoke(main, ["schema"])
    assert result.exit_code == 0 and json.loads(result.stdout) == schema


def test_the_reference_is_up_to_date() -> None:
    page = (ROOT / "docs/config.md").read_text(encoding="utf-8")
    assert page == reference.updated(page), "run `colloquy schema --update docs/config.md`"


def test_the_command_prints_the_reference() -> None:
    result = CliRunner().invoke(main, ["schema", "--markdown"])
    assert result.exit_code == 0 and result.stdout == reference.tables()


def test_the_command_updates_a_page_and_leaves_its_prose(tmp_path: Path) -> None:
    page = tmp_path / "config.md"
    page.write_text(f"# Mine\n\n{reference.MARK}\nold\n")
    assert CliRunner().invoke(main, ["schema", "--update", str(page)]).exit_code == 0
    assert page.read_text() == f"# Mine\n\n{reference.MARK}\n\n{reference.tables()}"


def test_a_page_without_the_mark_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "config.md"
    page.write_text("# Mine\n")
    result = CliRunner().invoke(main, ["schema", "--update", str(page)])
    assert result.exit_code == 2 and "has no line <!--" in result.stderr
    assert page.read_text() == "# Mine\n"
