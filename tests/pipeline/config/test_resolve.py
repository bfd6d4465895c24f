from pathlib import Path

import pytest

from pipeline.config import registry
from support.configs import FOREIGN, LOUDNESS, MODEL, Folder, folder, stages

__all__ = ["folder"]

KEY = "AIzaSyD-9tSrke72PouQMnMX"

STAGES = f" known names: {', '.join(sorted(registry.STAGES))}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            stages(f"{LOUDNESS}, flor: -1"),
            "exam.yaml: stages.0.flor: extra inputs are not permitted; known names: bands, floor, unit;"
            ' did you mean "floor"? (line 2)',
        ),
        (
            stages(f"{LOUDNESS}, floor: loud"),
            "exam.yaml: stages.0.floor: input should be a valid number, unable to parse string as a number;"
            " expected level in dB below which nothing counts (line 2)",
        ),
        (
            stages(f"{LOUDNESS}, unit: bel"),
            "exam.yaml: stages.0.unit: input should be 'dB' or 'LUFS' (line 2)",
        ),
        (
            "stages:\n- use: support.examples:Loudness\n  bands:\n  - 1\n  - two\n",
            "exam.yaml: stages.0.bands.1: input should be a valid integer,"
            " unable to parse string as an integer (line 5)",
        ),
        (stages(MODEL), "exam.yaml: stages.0.model: field required (line 2)"),
        (
            stages(f"{MODEL}, model: m, prompt: none.md"),
            "exam.yaml: stages.0.prompt: there is no file none.md (line 2)",
        ),
        (
            stages("use: resampelr"),
            'exam.yaml: stages.0.use: unknown stage "resampelr"; expected a known name or package.module:Class;'
            f'{STAGES}; did you mean "resampler"? (line 2)',
        ),
        (
            stages("floor: 1"),
            f"exam.yaml: stages.0.use: field required; expected a short name or package.module:Class;{STAGES} (line 2)",
        ),
        (
            stages("use: 3"),
            f"exam.yaml: stages.0.use: not text; expected a short name or package.module:Class;{STAGES} (line 2)",
        ),
        ("stages:\n- resampler\n", "exam.yaml: stages.0: expected keys and values here (line 2)"),
        ("stages: 1\n", "exam.yaml: stages: input should be a valid list; expected the stages"),
        ("stages: []\n", "exam.yaml: stages: list should have at least 1 item after validation, not 0"),
        ("name: x\n", "exam.yaml: stages: field required; expected the stages"),
        (
            stages(f"{FOREIGN}, level: 1, api_kee: x"),
            "exam.yaml: stages.0.api_kee: the constructor of Foreign has no parameter api_kee;"
            ' known names: api_key, level, options; did you mean "api_key"? (line 2)',
        ),
        (stages(FOREIGN), "exam.yaml: stages.0.level: the constructor of Foreign needs this (line 2)"),
        (
            stages("use: support.examples:ByPosition"),
            "exam.yaml: stages.0.use: ByPosition cannot be built from keys: it takes level by position only (line 2)",
        ),
        (
            stages("use: support.examples:NotAStage"),
            "exam.yaml: stages.0.use: NotAStage is neither a Stage nor another Pipecat FrameProcessor (line 2)",
        ),
        (
            stages(LOUDNESS, LOUDNESS),
            'exam.yaml: stages.1: "Loudness" is here 2 times; give each its own name with `as: name` (line 3)',
        ),
        (
            stages(f"{LOUDNESS}, as: budget"),
            'exam.yaml: stages.0.as: "budget" is a key of the config itself; choose another name (line 2)',
        ),
        (stages(f"{LOUDNESS}, as: a.b"), "exam.yaml: stages.0.as: expected a name without dots (line 2)"),
        (stages(f"{LOUDNESS}, as: 3"), "exam.yaml: stages.0.as: expected a name without dots (line 2)"),
        (
            stages(LOUDNESS, more="listn: {use: webrtc}\n"),
            "exam.yaml: listn: extra inputs are not permitted; known names: budget, database, emulator, experiment,"
            ' jobs, listen, name, prices, stages, webhook; did you mean "listen"? (line 3)',
        ),
        (
            stages(LOUDNESS, more="listen: {use: webrct}\n"),
            'exam.yaml: listen.use: unknown listener "webrct"; expected a known name or package.module:Class;'
            ' known names: webrtc; did you mean "webrtc"? (line 3)',
        ),
        (
            stages(LOUDNESS, more="listen: {use: support.examples:NotAStage}\n"),
            "exam.yaml: listen.use: NotAStage has no Settings to check its keys with (line 3)",
        ),
        (
            stages("use: support.examples:WithoutSettings"),
            "exam.yaml: stages.0.use: WithoutSettings has no Settings to check its keys with (line 2)",
        ),
        (
            stages(LOUDNESS, more="listen: {use: support.examples:Gate, port: 65536}\n"),
            "exam.yaml: listen.port: input should be less than or equal to 65535 (line 3)",
        ),
        (
            stages(LOUDNESS, more="listen: {use: support.examples:Gate, as: x}\n"),
            "exam.yaml: listen.as: extra inputs are not permitted; known names: port (line 3)",
        ),
        (
            stages(LOUDNESS, more="experiment: {arms: {a: {set: 3}}}\n"),
            "exam.yaml: experiment.arms.a.set: expected keys and values here; expected what differs",
        ),
        (
            "stages: {use: transcript}\nexperiment: {arms: {a: {}}}\n",
            "exam.yaml: stages: input should be a valid list; expected the stages",
        ),
        (stages(LOUDNESS, more="listen: webrtc\n"), "exam.yaml: listen: expected keys and values here; expected the"),
        (
            stages(LOUDNESS, more="budget: {usd: 1}\n"),
            "exam.yaml: budget.usd: a limit in dollars needs prices to count with; name a file under `prices` (line 3)",
        ),
        (
            stages(LOUDNESS, more="budget: {minutes: 0}\n"),
            "exam.yaml: budget.minutes: input should be greater than 0; expected minutes after which",
        ),
        (stages(LOUDNESS, more="prices: none.yaml\n"), "exam.yaml: prices: there is no file none.yaml; expected"),
        (stages(LOUDNESS, more="database: mysql://x\n"), "exam.yaml: database: there is no database of the kind"),
        (
            stages(LOUDNESS, more="emulator: {scenario: plian}\n"),
            "exam.yaml: emulator.scenario: the emulator has no such scenario; known names: ",
        ),
        (
            stages(LOUDNESS, more="emulator: {scenario: none.yaml}\n"),
            "exam.yaml: emulator.scenario: none.yaml: No such file or directory; expected a scenario",
        ),
        (
            stages(LOUDNESS, more="experiment: {unit: town, arms: {a: {wieght: 1}}}\n"),
            "exam.yaml: experiment.arms.a.wieght: extra inputs are not permitted; known names: set, weight;"
            ' did you mean "weight"? (line 3)',
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_file_key_and_line(folder: Folder, text: str, complaint: str) -> None:
    found = [line for line in folder.complaints(text) if line.startswith(complaint)]
    assert len(found) == 1


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(folder: Folder) -> None:
    text = "nam: x\nlisten: {use: nowhere}\n" + stages(
        f"{LOUDNESS}, floor: 1, flor: 2", "use: nothing", f"{MODEL}, model: '${{NONE}}'", more="budget: {usd: free}\n"
    )
    keys = [line.split(": ")[1] for line in folder.complaints(text)]
    assert keys == [
        "nam",
        "listen.use",
        "stages.0.floor",
        "stages.0.flor",
        "stages.1.use",
        "stages.2.model",
        "budget.usd",
    ]


def test_a_mistake_in_the_price_list_names_its_own_line(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("models:\n  m: {text_in: dear}\n")
    lines = folder.complaints(stages(LOUDNESS, more="prices: prices.yaml\n"))
    assert (
        "exam.yaml: prices: prices.yaml: models.m.text_in: input should be a valid decimal (line 2) (line 3)" in lines
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (stages("use: gemini_live, key: '${KEY}'"), "stages.0.key"),
        (stages("use: gemini_live, key: '%s'"), "stages.0.key"),
        (stages(f"{MODEL}, model: m, key: '${{KEY}}'"), "stages.0.key"),  # a user's own stage
        (stages(f"{FOREIGN}, level: 1, api_key: '${{KEY}}'"), "stages.0.api_key"),
        (stages(f"{FOREIGN}, level: 1, options: {{token: '${{KEY}}'}}"), "stages.0.options.token"),
        (f"listen: {{use: webrtc, key: '${{KEY}}'}}\n{stages('use: resampler, rate: 16000')}", "listen.key"),
    ],
)
@pytest.mark.parametrize("odd", ["\u200b", "\n", " ", '"', "\u00a0", "\u0439"])
def test_a_key_that_no_header_takes_is_refused_without_being_shown(
    folder: Folder, text: str, where: str, odd: str
) -> None:
    if "%s" in text and odd in ("\n", " "):
        odd = "\u2028"  # YAML folds a line break into a blank
    key = f"{KEY}{odd}" if odd != '"' else f'"{KEY}"'
    [said] = folder.complaints(text.replace("%s", key), {"KEY": key})
    assert said.startswith(f"exam.yaml: {where}: character ") and "which no key has" in said
    assert not any(KEY[at : at + 6] in said for at in range(len(KEY) - 5))
