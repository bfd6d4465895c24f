from pathlib import Path

import pytest

from pipeline.config.document import Document, FromEnvironment, read, read_as
from pipeline.config.problems import ConfigError
from support.examples import LoudnessSettings


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "exam.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(folder: Path, content: str | bytes) -> str:
    path = written(folder, content)
    with pytest.raises(ConfigError) as caught:
        read(path, {})
    return str(caught.value).replace(f"{folder}/", "")


def found(document: Document) -> list[str]:
    return [str(problem).removeprefix(f"{document.file}: ") for problem in document.problems(document.found)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "exam.yaml: is empty; expected at least `stages:`"),
        ("# nothing but a remark\n", "exam.yaml: is empty; expected at least `stages:`"),
        ("- a\n- b\n", "exam.yaml: expected keys such as `stages:` at the top, not a list"),
        ("words\n", "exam.yaml: expected keys such as `stages:` at the top, not text"),
        ("3\n", "exam.yaml: expected keys such as `stages:` at the top, not a number"),
        ("true\n", "exam.yaml: expected keys such as `stages:` at the top, not true or false"),
        ("~\n", "exam.yaml: is empty; expected at least `stages:`"),
        (
            "stages:\n  - {use: a\nname: b\n",
            "exam.yaml: is not YAML at line 3, column 5: expected ',' or '}', but got ':'",
        ),
        ("a: b: c\n", "exam.yaml: is not YAML at line 1, column 5: mapping values are not allowed here"),
        ("a: 1\n---\nb: 2\n", "exam.yaml: is not YAML at line 2, column 1: but found another document"),
        ("a: *nowhere\n", "exam.yaml: is not YAML at line 1, column 4: found undefined alias 'nowhere'"),
        ("a: 1\nb: \x00\n", "exam.yaml: is not YAML at line 2: special characters are not allowed"),
        (b"a: 1\nb: \xff\n", "exam.yaml: is not UTF-8 at line 2 (byte 8); save it as UTF-8"),
        ("a: &a [*a]\n", "exam.yaml: a.0: refers to itself (line 1)"),
        ("[" * 1000, "exam.yaml: is nested too deeply"),
    ],
)
def test_a_file_of_which_nothing_can_be_said_is_refused_in_one_sentence(
    tmp_path: Path, content: str | bytes, sentence: str
) -> None:
    assert refusal(tmp_path, content) == sentence


def test_a_number_no_computer_wants_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a: " + "9" * 5000).startswith("exam.yaml: holds a number that cannot be read: ")


def test_aliases_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert refusal(tmp_path, "\n".join(lines)) == (
        "exam.yaml: holds more than 10000 values, counting what aliases repeat"
    )


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: there is no such file$"):
        read(tmp_path / "none.yaml", {})


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a directory; expected a YAML file$"):
        read(tmp_path, {})


def test_a_path_no_file_can_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be read: "):
        read(Path("a" * 5000), {})
    with pytest.raises(ConfigError, match="cannot be read: "):
        read(Path("a\0b"), {})


def test_every_key_given_twice_is_reported_with_both_lines(tmp_path: Path) -> None:
    document = read(written(tmp_path, "a: 1\nb: {c: 1, c: 2}\na: 3\n"), {})
    assert found(document) == [
        "b.c: is given twice, on lines 2 and 2; keep one (line 2)",
        "a: is given twice, on lines 1 and 3; keep one (line 3)",
    ]


def test_a_merged_mapping_may_be_overridden(tmp_path: Path) -> None:
    document = read(written(tmp_path, "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n"), {})
    assert document.data["b"] == {"x": 1, "y": 3} and not document.found


def test_keys_that_yaml_does_not_read_as_text_are_reported(tmp_path: Path) -> None:
    document = read(written(tmp_path, "on: 1\n3: x\n"), {})
    assert found(document) == [
        "has the key on on line 1, which is not text to YAML; put it in quotes",
        "has the key 3 on line 2, which is not text to YAML; put it in quotes",
    ]


def test_yaml_tags_are_reported(tmp_path: Path) -> None:
    document = read(written(tmp_path, "a: !!set {x, y}\n"), {})
    assert found(document) == ["a: has the YAML tag !!set; expected plain text, numbers, lists or keys (line 1)"]


def test_what_looks_like_a_date_is_text(tmp_path: Path) -> None:
    assert read(written(tmp_path, "a: 2026-11-22\n"), {}).data == {"a": "2026-11-22"}


def test_what_looks_like_a_time_is_text_and_no_number_to_the_base_of_60(tmp_path: Path) -> None:
    assert read(written(tmp_path, "a: 12:30\nb: 1:30.5\nc: 90\n"), {}).data == {"a": "12:30", "b": "1:30.5", "c": 90}


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert read(written(tmp_path, b"\xef\xbb\xbfa: 1\n"), {}).data == {"a": 1}


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
def test_numbers_without_end_are_reported(tmp_path: Path, number: str) -> None:
    assert found(read(written(tmp_path, f"a: [{number}]\n"), {})) == ["a.0: expected a finite number (line 1)"]


def test_a_line_is_that_of_the_nearest_key_above(tmp_path: Path) -> None:
    document = read(written(tmp_path, "a:\n  - b: 1\n    c: 2\n"), {})
    assert document.line_of(("a", 0, "c")) == 3
    assert document.line_of(("a", 0, "d")) == 2
    assert document.line_of(("a", 7)) == 1
    assert document.line_of(()) is None


# --- variables


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("${A}", "apple"),
        ("x${A}y${B}", "xappleypear"),
        ("${A:-fig}", "apple"),
        ("${NONE:-fig}", "fig"),
        ("${NONE:-}", ""),
        ("${EMPTY:-fig}", "fig"),
        ("${NONE:-a:-b}", "a:-b"),
        ("$${A}", "${A}"),
        ("$A {A} $", "$A {A} $"),
    ],
)
def test_variables_are_filled_in(tmp_path: Path, value: str, filled: str) -> None:
    document = read(written(tmp_path, f'a: ["{value}"]\n'), {"A": "apple", "B": "pear", "EMPTY": ""})
    assert document.data == {"a": [filled]} and not document.found


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("${NONE}", "the environment variable NONE is not set; set it, or give a default with ${NONE:-...}"),
        ("${EMPTY}", "the environment variable EMPTY is set but empty; set it, or give a default with ${EMPTY:-...}"),
        ("${1}", "${1} is not a variable; expected ${NAME} or ${NAME:-default}, or $${ for a plain ${"),
        ("${A", "${A is not a variable; expected ${NAME} or ${NAME:-default}, or $${ for a plain ${"),
        ("${A:?no}", "${A:?no} is not a variable; expected ${NAME} or ${NAME:-default}, or $${ for a plain ${"),
    ],
)
def test_a_variable_without_value_is_reported(tmp_path: Path, value: str, sentence: str) -> None:
    document = read(written(tmp_path, f'a:\n  b: "{value}"\n'), {"A": "x", "EMPTY": ""})
    assert found(document) == [f"a.b: {sentence} (line 2)"]


def test_keys_are_left_as_they_are(tmp_path: Path) -> None:
    assert read(written(tmp_path, '"${A}": 1\n'), {"A": "x"}).data == {"${A}": 1}


def test_what_came_from_a_variable_is_remembered_but_a_default_is_no_secret(tmp_path: Path) -> None:
    data = read(written(tmp_path, 'a: "x${A}"\nb: "${B:-fig}"\n'), {"A": "apple"}).data
    assert isinstance(data["a"], FromEnvironment) and data["a"].parts == (("A", "apple"),)
    assert not isinstance(data["b"], FromEnvironment)


def test_a_variables_content_is_not_filled_in_again(tmp_path: Path) -> None:
    assert read(written(tmp_path, 'a: "${A}"\n'), {"A": "${B}", "B": "no"}).data == {"a": "${B}"}


def test_another_file_is_read_with_the_same_care(tmp_path: Path) -> None:
    path = tmp_path / "loudness.yaml"
    path.write_text("floor: -3\nunit: '${UNIT}'\n")
    assert read_as(LoudnessSettings, path, {"UNIT": "LUFS"}) == LoudnessSettings(floor=-3, unit="LUFS")
    with pytest.raises(ConfigError, match="unit: the environment variable UNIT is not set"):
        read_as(LoudnessSettings, path, {})
