"""Array trees (pytrees): nested dictionaries and lists of numbers, texts and numpy arrays, in one file without loss."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from .files import replacing

_ARRAY = "__array__"  # the key of a dictionary that stands for an array by its number


def write_tree(path: Path, tree: Any) -> None:
    """Write in one step; tuples become lists. Raises TypeError for other kinds of values, StoreError by the disk."""
    arrays: list[NDArray[Any]] = []
    text = json.dumps(_extract_arrays(tree, arrays))
    named = {f"a{number}": array for number, array in enumerate(arrays)}
    with replacing(path) as file:
        np.savez(file, allow_pickle=False, tree=np.array(text), **named)


def read_tree(path: Path) -> Any:
    """The tree of a file, with lists for tuples. Raises StoreError if the file is absent or damaged."""
    try:
        with np.load(path, allow_pickle=False) as entries:
            return _insert_arrays(json.loads(str(entries["tree"])), entries)
    except FileNotFoundError:
        raise StoreError(f"{path} is missing: the run directory is incomplete") from None
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path} is damaged: {type(error).__name__} {error}") from None


def _extract_arrays(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            raise TypeError("cannot store an array of objects")
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("cannot store a dictionary whose keys are not texts")
        return {key: _extract_arrays(entry, arrays) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_extract_arrays(entry, arrays) for entry in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"cannot store a {type(value).__name__}")


def _insert_arrays(value: Any, entries: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            return entries[f"a{value[_ARRAY]}"]
        return {key: _insert_arrays(entry, entries) for key, entry in value.items()}
    return [_insert_arrays(entry, entries) for entry in value] if isinstance(value, list) else value
