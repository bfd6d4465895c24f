import sys
from pathlib import Path

import pytest

from pipeline.config.registry import LISTENERS, STAGES, Unresolved, resolve
from support.examples import Gate, Loudness

NAMES = {"loudness": "support.examples:Loudness", "broken": "support.examples:Nowhere"}


def sentence(use: str) -> str:
    with pytest.raises(Unresolved) as caught:
        resolve(use, NAMES, "stage")
    return str(caught.value)


def test_a_short_name_and_a_path_lead_to_the_same_class() -> None:
    assert resolve("loudness", NAMES, "stage") is resolve("support.examples:Loudness", NAMES, "stage") is Loudness


def test_a_class_inside_a_class_can_be_named() -> None:
    assert resolve("support.examples:Gate.Settings", NAMES, "listener") is Gate.Settings


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (
            "loudnes",
            'unknown stage "loudnes"; expected a known name or package.module:Class;'
            ' known names: broken, loudness; did you mean "loudness"?',
        ),
        (
            "support.examples.Loudness",
            'unknown stage "support.examples.Loudness"; expected a known name or package.module:Class;'
            ' did you mean "support.examples:Loudness"?',
        ),
        ("a:b:c", 'unknown stage "a:b:c"; expected a known name or package.module:Class; known names: '),
        (":X", 'unknown stage ":X"; expected'),
        ("", 'unknown stage ""; expected'),
        ("../x:Y", 'unknown stage "../x:Y"; expected'),
        ("nowhere.at_all:X", "there is no module nowhere; it is looked for in the working directory and in installed"),
        ("support.nothing:X", "there is no module support.nothing; "),
        ("support.examples:a_function", "support.examples:a_function is not a class; expected package.module:Class"),
    ],
)
def test_a_name_that_leads_nowhere_is_reported_with_what_is_known(use: str, expected: str) -> None:
    assert sentence(use).startswith(expected)


def test_a_class_that_is_not_in_its_module_is_reported_with_those_that_are() -> None:
    told = sentence("support.examples:Loudnes")
    assert told.startswith("support.examples has no class Loudnes; known names: ByPosition, Foreign, Gate, Loudness")
    assert told.endswith('; did you mean "Loudness"?')
    assert "SecretStr" not in told  # imported there, not at home there


def test_a_module_that_needs_something_else_says_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "needy_module.py").write_text("import nothing_of_the_kind\n")
    assert sentence("needy_module:X") == (
        "needy_module cannot be imported, since it needs nothing_of_the_kind, which is not installed"
    )


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def f(:\n", "SyntaxError: invalid syntax"),
        ("raise RuntimeError('two\\nlines')\n", "RuntimeError: two lines"),
        ("assert False\n", "AssertionError"),
    ],
)
def test_a_module_that_fails_says_why_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, why: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "failing_module", raising=False)
    (tmp_path / "failing_module.py").write_text(source)
    told = sentence("failing_module:X")
    assert told.startswith(f"failing_module cannot be imported: {why}") and "\n" not in told


@pytest.mark.parametrize(
    ("kind", "name"), [("stage", name) for name in STAGES] + [("listener", name) for name in LISTENERS]
)
def test_every_registered_name_leads_to_a_class_with_closed_frozen_settings(kind: str, name: str) -> None:
    cls = resolve(name, STAGES if kind == "stage" else LISTENERS, kind)
    assert cls.Settings.model_config["extra"] == "forbid" and cls.Settings.model_config["frozen"]
    assert cls.__doc__
