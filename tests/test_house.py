"""The rules of the whole project: layers, words, sizes, help texts, pins, documents that run as written."""

import ast
import asyncio
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch, fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from gemini_live_emulator.scenario import Scenario
from pipeline.cli.main import main
from pipeline.config.loading import load
from pipeline.record.store import Store

ROOT = Path(__file__).parents[1]
LAYERS = ("colloquy", "core", "processors", "transports", "pipeline", "emulator/gemini_live_emulator")
MODULES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
FRONT = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "emulator/README.md")]
DOCUMENTS = [*FRONT, *sorted((ROOT / "docs").glob("*.md"))]
CONFIGS = sorted(path for path in (ROOT / "configs").glob("*.yaml") if path.name != "prices.yaml")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- layers


def test_the_layers_hold() -> None:
    linted = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-logo"], cwd=ROOT, capture_output=True, text=True
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


# Where each of these libraries may be imported, so that what changes with it changes in one place.
IMPORTED_IN = {
    "google.genai": ["processors/gemini_live/*"],
    "aiortc": ["transports/webrtc/*"],
    "pipecat.transports.smallwebrtc": ["transports/webrtc/*"],
    "sqlalchemy": [
        "pipeline/record/store*.py",
        "pipeline/record/tables.py",
        "pipeline/record/leases.py",
        "pipeline/record/database.py",
        "pipeline/record/address.py",
        "pipeline/record/migrations/*",
    ],
    "alembic": ["pipeline/record/database.py", "pipeline/record/migrations/*"],
    "dbos": ["pipeline/jobs/worker.py"],
    "moonshine_voice": ["emulator/gemini_live_emulator/speech.py", "processors/shadow/offline.py"],
    "hibari": ["emulator/gemini_live_emulator/speech.py"],
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from (f"{module}.{name.name}" for name in names)
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(module)), *_]):
                yield module
            case _:
                pass


@pytest.mark.parametrize("library", IMPORTED_IN)
def test_a_library_is_imported_in_one_place(library: str) -> None:
    users = {named(path) for path in MODULES if any(f"{name}.".startswith(f"{library}.") for name in imported(path))}
    assert users, f"nothing imports {library} any more"
    assert [user for user in users if not any(fnmatch(user, place) for place in IMPORTED_IN[library])] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {named(path).removeprefix("emulator/").removesuffix(".py").replace("/", "."): path for path in MODULES}
    modules = {name.removesuffix(".__init__"): path for name, path in modules.items()}

    def known(name: str) -> str:
        """The module that holds a name, `a.b` for `a.b.Class`; empty for those of others."""
        while name and name not in modules:
            name = name.rpartition(".")[0]
        return name

    graph = {name: {known(one) for one in imported(path)} - {name, ""} for name, path in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


# Modules longer than 350 lines, each with its reason.
LONG = {}


def test_modules_are_short() -> None:
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > 350 and name not in LONG} == {}
    assert [name for name in LONG if lengths.get(name, 0) <= 350] == [], "these need no exception any more"


# --- words

GLOSSARY = ROOT / "docs" / "glossary.md"
# Identifiers in which a refused word means something else: the identifier, where, what it means there.
EXCEPTIONS = [
    ("NoiseFloor", "core/turns/*", "the level below which there is only noise"),
    ("due_at", "*", "a time"),
    ("ModelFacts", "*", "what is known of a model"),
    ("model_facts", "*", "its module"),
    ("memory", "processors/shadow/stage.py", "seconds of audio in RAM"),
    ("MemoryError", "*", "of Python"),
    ("safe_dump", "*", "of PyYAML"),
    ("SafeLoader", "*", "of PyYAML"),
]


def refused() -> set[str]:
    """The words that the glossary's last column shows as code."""
    rows = re.findall(r"^\|.*\|(.*)\|$", GLOSSARY.read_text(encoding="utf-8"), re.M)
    return {word for row in rows for word in re.findall(r"`(\w+)`", row)}


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Every name in a module, and the strings that YAML may hold for a setting (`Literal`)."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.alias(asname=str(name)):
                yield name
            case ast.Subscript(value=ast.Name(id="Literal"), slice=values):
                yield from (one.value for one in ast.walk(values) if isinstance(one, ast.Constant))
            case _:
                pass


def yaml_keys(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield str(key)
            yield from yaml_keys(value)
    elif isinstance(data, list):
        for value in data:
            yield from yaml_keys(value)


def split(identifier: str) -> str:
    """`_LinkState` and `link_state` as "_link_state_"."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", identifier)
    return "_".join(["", *(word.lower() for word in words), ""])


def every_identifier() -> Iterator[tuple[str, str]]:
    """Each identifier and YAML key with the file that has it. Migrations speak of what tables were called then."""
    for path in MODULES:
        if not any(part in path.parts for part in ("gemini_live_emulator", "migrations")):
            yield path.stem, named(path)
            for identifier in set(identifiers(ast.parse(path.read_text(encoding="utf-8")))):
                yield str(identifier), named(path)
    for path in (ROOT / "configs").rglob("*.yaml"):
        for key in set(yaml_keys(yaml.safe_load(path.read_text(encoding="utf-8")))):
            yield key, named(path)


def against_the_glossary() -> set[tuple[str, str]]:
    wanted = re.compile(rf"_(?:{'|'.join(sorted(refused()))})s?_")
    return {(name, place) for name, place in every_identifier() if wanted.search(split(name))}


def is_exception(name: str, place: str) -> bool:
    return any(fnmatchcase(name.strip("_"), one) and fnmatchcase(place, where) for one, where, _ in EXCEPTIONS)


def test_one_thing_has_one_name() -> None:
    assert len(refused()) > 30, "the glossary's table is read from its last column"
    wrong = sorted(f"{place}: {name}" for name, place in against_the_glossary() if not is_exception(name, place))
    assert wrong == [], "docs/glossary.md says how these are called"


def test_every_exception_is_needed() -> None:
    found = against_the_glossary()
    for one, where, why in EXCEPTIONS:
        assert any(fnmatchcase(name.strip("_"), one) and fnmatchcase(place, where) for name, place in found), (one, why)


# --- the command line


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_with_an_example_and_so_has_each_option(name: str) -> None:
    command = COMMANDS[name]
    assert name in (command.help or "").partition("Example:")[2]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_in_the_documents(name: str) -> None:
    assert any(f"colloquy {name}" in path.read_text(encoding="utf-8") for path in DOCUMENTS)


# --- documents


def blocks(document: Path, *languages: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", document.read_text(encoding="utf-8"), re.M | re.S)
    return [text for language, text in found if language in languages]


# CONTRIBUTING adds a built-in stage, which imports from the layers below as every stage here does.
FOR_USERS = [document for document in DOCUMENTS if document.name != "CONTRIBUTING.md"]


@pytest.mark.parametrize("document", FOR_USERS, ids=lambda path: path.name)
def test_a_reader_imports_from_colloquy_alone(document: Path) -> None:
    named = re.findall(r"^\s*(?:from|import) (\w+)", "\n".join(blocks(document, "python")), re.M)
    assert set(named) & {"core", "processors", "transports", "pipeline"} == set()


OURS = r"(?:colloquy|make|gemini-live-emulator|python3? -m pipeline)(?: .*)?"


def typed(document: Path) -> Iterator[str]:
    """The commands of this project in a document: `colloquy ...` or `make ...`."""
    lines = "\n".join(blocks(document, "console", "sh", "bash"))
    text = document.read_text(encoding="utf-8")
    found = re.findall(rf"^(?:\$ )?(?:[A-Z_]+=\S* )*({OURS})$", lines, re.M)
    found += re.findall(rf"^ {{4}}(?:\$ )?({OURS})$", text, re.M)
    found += re.findall(rf"`(?:[A-Z_]+=\S* )*({OURS})`".replace(".*", r"[^`\n]+"), text)
    for line in found:
        line = re.sub(r"^python3? -m pipeline", "colloquy", line)
        yield re.sub(r"^gemini-live-emulator", "colloquy emulator", line)


TYPED = [(document, line) for document in DOCUMENTS for line in dict.fromkeys(typed(document))]


def words_of(line: str) -> list[str]:
    words = shlex.split(line, comments=True)
    return words[: next((n for n, word in enumerate(words) if word in (">", "|", "&&")), None)]


@pytest.mark.parametrize(("document", "line"), TYPED, ids=lambda value: value if isinstance(value, str) else value.name)
def test_every_command_in_the_documents_is_understood(
    document: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    program, *rest = words_of(line)
    if program == "make":
        for word in rest:
            name, is_variable, _ = word.partition("=")
            assert (f"$({name})" if is_variable else f"\n{name}:") in MAKEFILE
        return
    command: click.Command | None = main
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        command = command.get_command(click.Context(command), rest.pop(0))
    assert command is not None, f"{named(document)}: no such command: {line}"
    if not isinstance(command, click.Group):
        try:
            with suppress(click.exceptions.Exit):  # --help
                command.make_context(line, rest)
        except click.UsageError as error:
            pytest.fail(f"{named(document)}: {line}: {error.format_message()}")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A reader's working directory: the configs, what the README says to save, a key, an empty record."""
    for name in ("configs", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    for path in (ROOT / "configs").iterdir():
        if path.is_dir() or path.name == "prices.yaml":
            (tmp_path / path.name).symlink_to(path)
    saved = {"my_school.py": blocks(DOCUMENTS[0], "python")[0], "exam.yaml": blocks(DOCUMENTS[0], "yaml")[0]}
    for name, text in saved.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    database = f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"

    async def make_record() -> None:
        await (await Store.open(database)).close()

    asyncio.run(make_record())
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    monkeypatch.setenv("COLLOQUY_DATABASE", database)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("my_school", None)


CHEAP = re.compile(r"colloquy (check (?!CONFIG)|schema\b(?!.* --update)|sessions list|emulator --list|.*--help)")


@pytest.mark.real_time
@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("line", dict.fromkeys(line for _, line in TYPED if CHEAP.match(line)))
def test_cheap_commands_run(line: str) -> None:
    result = CliRunner().invoke(main, words_of(line)[1:])
    assert result.exit_code == 0, result.output
    assert result.stdout


def test_cheap_commands_are_found() -> None:
    assert len([line for _, line in TYPED if CHEAP.match(line)]) > 5


def shown(document: Path) -> list[str]:
    """The YAML blocks of a document. A block of comments alone shows nothing."""
    return [text for text in blocks(document, "yaml") if yaml.safe_load(text) is not None]


SHOWN = [(document, number) for document in DOCUMENTS for number, _ in enumerate(shown(document))]


@pytest.mark.real_time
@pytest.mark.parametrize(("document", "number"), SHOWN, ids=lambda value: getattr(value, "name", value))
def test_configs_in_the_documents_are_right(document: Path, number: int, desk: Path) -> None:
    texts = shown(document)
    file = desk / "shown.yaml"
    if document.name == "emulator.md":
        file.write_text(texts[number], encoding="utf-8")
        assert Scenario.load(file)
        return
    data = yaml.safe_load(texts[number])
    if isinstance(data, list):
        data = {"stages": data}
    if "stages" not in data:  # an excerpt from the config that the document begins with
        data = yaml.safe_load(texts[0]) | data
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    assert load(file).stages


def test_configs_in_the_documents_are_found() -> None:
    found = {named(document) for document, _ in SHOWN}
    pages = ("config", "echo", "emulator", "jobs", "transcript", "turns")
    assert found >= {"README.md", *(f"docs/{page}.md" for page in pages)}


@pytest.mark.real_time
@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_config_checks_and_says_why_it_is_there(path: Path) -> None:
    result = CliRunner().invoke(main, ["check", str(path)])
    assert result.exit_code == 0, result.output
    assert "a key" not in result.stdout
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


# --- dependencies

WANTED = [*PROJECT["dependencies"], *(one for group in PROJECT["optional-dependencies"].values() for one in group)]


@pytest.mark.parametrize("dependency", WANTED)
def test_a_dependency_has_its_reason_and_is_pinned(dependency: str) -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    [line] = [line for line in lines if f'"{dependency}"' in line]
    assert re.search(r"\]?,? +# \w+", line.partition(f'"{dependency}"')[2]), "say in a comment what it is for"
    name = re.split(r"[\[<>=~! ]", dependency)[0]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(name).replace('_', '-')}==", pins, re.M | re.I)


def test_the_pins_are_names_and_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.+!-]+", line) or "://" in line] == []


# In halves, so that this file does not name them either.
INDEX_HOSTS = ["py" + "pi.org", "files.python" + "hosted", "registry.npm" + "js", "proxy.go" + "lang", "cr" + "ates.io"]


def test_no_file_names_a_package_index() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("this is not a git checkout")
    files = [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    needles = [host.encode() for host in INDEX_HOSTS]
    assert [named(path) for path in files if any(needle in path.read_bytes() for needle in needles)] == []
