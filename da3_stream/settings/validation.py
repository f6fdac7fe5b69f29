"""What the classes of settings share: unknown names are refused, and what is wrong is told in one sentence."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError


class Stage(BaseModel):
    """Numbers of one stage; unknown names and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def off(value: object) -> object:
    """YAML reads a bare `off` as false."""
    return "off" if value is False else value


Off = BeforeValidator(off)


def word_or_number(value: object, words: tuple[str, ...], expected: str) -> object:
    """One of the words, or a finite number above 0, also as text. Raises ValueError for anything else."""
    if value in words:
        return value
    try:
        number = float(value) if isinstance(value, (str, int, float)) and value is not True else math.nan
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError(f"expected {expected}, not {value!r}")
    return number


def sentence(error: ValidationError, root: type[BaseModel]) -> str:
    """One sentence for the first thing in a tree of settings, from its `root`, that pydantic found wrong."""
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"]]
    name = ".".join(path)
    if problem["type"] == "extra_forbidden":
        return f"unknown setting '{name}': {_allowed(path[:-1], root)}"
    given = problem["input"]
    if problem["type"] == "value_error":
        reason = problem["msg"].removeprefix("Value error, ")
        return f"setting {name}: {reason}" if name else reason
    return f"setting '{name}' cannot be {given!r}: {problem['msg'][0].lower() + problem['msg'][1:]}"


def _allowed(parents: list[str], root: type[BaseModel]) -> str:
    model: Any = root
    for parent in parents:
        model = model.model_fields[parent].annotation
    where = f"{parents[0]} has" if parents else "the stages are"
    return f"{where} {', '.join(model.model_fields)}"
