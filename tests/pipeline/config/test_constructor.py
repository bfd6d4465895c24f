from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest
from google.genai.types import HttpOptions
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService, GeminiModalities
from pydantic import BaseModel

from pipeline.config.constructor import keywords
from pipeline.config.document import FromEnvironment


class Colour(Enum):
    RED = "red"


class Inner(BaseModel):
    size: int = 1


@dataclass
class Options:
    inner: Inner | None = None
    colour: Colour = Colour.RED
    unknown: "NotToBeResolved" = None  # noqa: F821 # pyright: ignore
    names: list[str] = field(default_factory=list)


@dataclass
class Strict:
    needed: int


class Thing:
    def __init__(
        self,
        options: Options | None = None,
        *,
        strict: Strict | None = None,
        colour: Colour | None = None,
        word: Colour | str = "",
        plain: dict[str, Any] | None = None,
    ) -> None: ...


def sentences(cls: type[Any], **data: Any) -> list[str]:
    return [f"{'.'.join(map(str, one.at))}: {one.what}" for one in keywords(cls, data, ())[1]]


def made(cls: type[Any], **data: Any) -> dict[str, Any]:
    result, found = keywords(cls, data, ())
    assert found == []
    return result


def test_parameters_that_are_dataclasses_models_and_enums_are_made_from_plain_data() -> None:
    assert made(Thing, options={"inner": {"size": "2"}, "names": ["a"]}, colour="red", strict={"needed": 1}) == {
        "options": Options(Inner(size=2), names=["a"]),
        "colour": Colour.RED,
        "strict": Strict(1),
    }


def test_everything_else_is_passed_as_it_is() -> None:
    assert made(Thing, word="red", plain={"a": [{"b": None}]}) == {"word": "red", "plain": {"a": [{"b": None}]}}


def test_text_from_the_environment_is_passed_as_ordinary_text() -> None:
    secret = FromEnvironment("x", (("KEY", "x"),))
    result = made(Thing, word=secret, plain={"a": [secret]})
    assert type(result["word"]) is type(result["plain"]["a"][0]) is str


def test_every_call_gets_new_objects() -> None:
    data = {"plain": {"list": [1]}, "options": {"names": ["a"]}}
    made(Thing, **data)["plain"]["list"].append(2)
    assert made(Thing, **data)["plain"] == {"list": [1]}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"optoins": 1}, "optoins: the constructor of Thing has no parameter optoins; known names: colour, options,"),
        ({"options": {"iner": 1}}, "options.iner: Options has no iner; known names: colour, inner, names, unknown;"),
        ({"options": {"inner": {"size": "big"}}}, "options.inner.size: input should be a valid integer"),
        ({"strict": {}}, "strict.needed: Strict needs this"),
        ({"colour": "rde"}, 'colour: not one of the choices; known names: red; did you mean "red"?'),
    ],
)
def test_what_a_parameter_cannot_be_made_of_is_reported(data: dict[str, Any], sentence: str) -> None:
    (told,) = sentences(Thing, **data)
    assert told.startswith(sentence)


def test_a_class_without_a_signature_is_reported() -> None:
    assert sentences(type)[0].startswith("use: type cannot be built from keys: ")


def test_pipecats_gemini_service_is_made_from_yaml() -> None:
    result = made(
        GeminiLiveLLMService,
        api_key="x",
        http_options={"base_url": "https://localhost:1"},
        settings={"model": "m", "modalities": "AUDIO", "vad": {"disabled": True}, "thinking": {"thinking_budget": 9}},
    )
    assert result["http_options"] == HttpOptions(base_url="https://localhost:1")
    settings = result["settings"]
    assert settings.modalities is GeminiModalities.AUDIO and settings.vad.disabled is True
    assert GeminiLiveLLMService(**result)._vad_disabled is True
    assert sentences(GeminiLiveLLMService, api_key="x", settings={"vaad": {}})[0].endswith('did you mean "vad"?')
