"""A part of an exam that is kept as data in a YAML file of its own: a plan, a rubric."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


def read(path: Path, model: type[M], kind: str) -> M:
    """What a YAML file says, as `model`. Raises ValueError in a sentence of file, key and fault; `kind` is what the
    file should be ("a rubric").
    """
    try:
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path} is not {kind}: {where + ': ' if where else ''}{first['msg']}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
