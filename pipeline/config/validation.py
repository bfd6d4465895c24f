"""YAML mistakes to sentences: Pydantic's errors with the key as in the file, what was expected, the nearest name."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pipeline.config.problems import Finding, Keys, known_names
from processors.yaml_file import keys_in_file

# Pydantic's own sentences for these never quote the value.
QUOTES_NOTHING = {"missing", "extra_forbidden", "string_type", "string_too_short", "string_too_long"}

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], data: Any, at: Keys, context: Any = None) -> tuple[M | None, list[Finding]]:
    """The model made of the data and no findings, or None and what is wrong."""
    try:
        return model.model_validate(data, context=context), []
    except ValidationError as error:
        found = [_finding(model, data, at, one) for one in error.errors(include_url=False)]
        return None, list(dict.fromkeys(found))


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the names a file gives them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _finding(model: type[BaseModel], data: Any, at: Keys, error: ErrorDetails) -> Finding:
    keys = keys_in_file(data, error)
    kind, message = error["type"], error["msg"]
    node = _SchemaNode(model)
    for key in keys[:-1]:
        node = node.inside(key)
    holder, node = node, node.inside(keys[-1]) if keys else node
    if kind == "extra_forbidden":
        return Finding((*at, *keys), "extra inputs are not permitted" + known_names(str(keys[-1]), holder.names()))
    if node.secret() and kind not in QUOTES_NOTHING:
        message = "the value is not accepted (it is a secret, so not shown)"
    if kind == "renamed":
        return Finding((*at, *keys), message)
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind in ("dict_type", "model_type"):
        message = "expected keys and values here"
    what = message[:1].lower() + message[1:]
    description = node.field.description if node.field else None
    return Finding((*at, *keys), what + (f"; expected {description.rstrip('.')}" if description else ""))


class _SchemaNode:
    """What a key leads to in a model: an annotation, and the field if it is one."""

    def __init__(self, annotation: Any, field: FieldInfo | None = None) -> None:
        self.annotation = annotation
        self.field = field

    def inside(self, key: str | int) -> "_SchemaNode":
        for option in options(self.annotation):
            if isinstance(option, type) and issubclass(option, BaseModel):
                if isinstance(key, str) and (field := fields_of(option).get(key)) is not None:
                    return _SchemaNode(field.annotation, field)
            elif args := get_args(option):
                origin = get_origin(option)
                if isinstance(origin, type) and issubclass(origin, Mapping):
                    return _SchemaNode(args[-1])
                if isinstance(key, int):
                    return _SchemaNode(args[key] if len(args) > key and Ellipsis not in args else args[0])
        return _SchemaNode(Any)

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
