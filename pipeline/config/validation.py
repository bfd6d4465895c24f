"""Pydantic's errors as sentences: the key as it stands in the file, what was expected, the nearest known name."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pipeline.config.problems import Found, Keys, known_names

# Pydantic's own sentences for these never quote the value.
QUOTES_NOTHING = {"missing", "extra_forbidden", "string_type", "string_too_short", "string_too_long"}

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], data: Any, at: Keys, context: Any = None) -> tuple[M | None, list[Found]]:
    """The model that the data makes, or why it makes none."""
    try:
        return model.model_validate(data, context=context), []
    except ValidationError as error:
        found = [_found(model, data, at, one) for one in error.errors(include_url=False)]
        return None, list(dict.fromkeys(found))


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the names a file gives them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _found(model: type[BaseModel], data: Any, at: Keys, error: ErrorDetails) -> Found:
    keys = _in_file(data, error)
    kind, message = error["type"], error["msg"]
    place = _Place(model)
    for key in keys[:-1]:
        place = place.inside(key)
    holder, place = place, place.inside(keys[-1]) if keys else place
    if kind == "extra_forbidden":
        return Found((*at, *keys), "extra inputs are not permitted" + known_names(str(keys[-1]), holder.names()))
    if place.secret() and kind not in QUOTES_NOTHING:
        message = "the value is not accepted (it is a secret, so not shown)"
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind in ("dict_type", "model_type"):
        message = "expected keys and values here"
    what = message[:1].lower() + message[1:]
    description = place.field.description if place.field else None
    return Found((*at, *keys), what + (f"; expected {description.rstrip('.')}" if description else ""))


def _in_file(data: Any, error: ErrorDetails) -> Keys:
    """The error's location without the steps that are pydantic's own, such as the member of a union."""
    keys: list[str | int] = []
    for index, key in enumerate(error["loc"]):
        if (isinstance(data, Mapping) and key in data) or (
            isinstance(data, list | tuple) and isinstance(key, int) and key < len(data)
        ):
            data = data[key]  # pyright: ignore[reportCallIssue, reportArgumentType]
            keys.append(key)
        elif error["type"] == "missing" and index == len(error["loc"]) - 1:
            keys.append(key)
    return tuple(keys)


class _Place:
    """Where in a model a key leads: the annotation there, and the field if it is one."""

    def __init__(self, annotation: Any, field: FieldInfo | None = None) -> None:
        self.annotation = annotation
        self.field = field

    def inside(self, key: str | int) -> "_Place":
        for option in options(self.annotation):
            if isinstance(option, type) and issubclass(option, BaseModel):
                if isinstance(key, str) and (field := fields_of(option).get(key)) is not None:
                    return _Place(field.annotation, field)
            elif args := get_args(option):
                origin = get_origin(option)
                if isinstance(origin, type) and issubclass(origin, Mapping):
                    return _Place(args[-1])
                if isinstance(key, int):
                    return _Place(args[key] if len(args) > key and Ellipsis not in args else args[0])
        return _Place(Any)

    def names(self) -> list[str]:
        return [
            name
            for option in options(self.annotation)
            if isinstance(option, type) and issubclass(option, BaseModel)
            for name in fields_of(option)
        ]

    def secret(self) -> bool:
        return any(option in (SecretStr, SecretBytes) for option in options(self.annotation))


def options(annotation: Any) -> Iterator[Any]:
    """The members of a union, or the annotation itself; without its `Annotated` remarks."""
    if hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    if get_origin(annotation) in (Union, UnionType):
        for option in get_args(annotation):
            yield from options(option)
    else:
        yield annotation
