"""Files of names and values: YAML and JSON as OpenCV, ROS and Kalibr write them, and XML as OpenCV does."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..errors import SettingsError

SUFFIXES = (".yaml", ".yml", ".json", ".xml", ".npz")


def read_mapping(path: Path) -> dict[str, Any]:
    """The file's names and values. Raises SettingsError with one sentence where it is not well-formed."""
    suffix = path.suffix.lower()
    if suffix == ".xml":
        return _read_xml(path)
    if suffix == ".npz":
        return _read_arrays(path)
    text = path.read_text(encoding="utf-8-sig")
    loaded = _load_json(text, path) if suffix == ".json" else _load_yaml(text, path)
    if not isinstance(loaded, dict):
        raise SettingsError(f"the intrinsics file '{path}' holds no names with values, as a calibration does")
    return {str(key): value for key, value in loaded.items()}


def _load_json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(f"the intrinsics file '{path}' is no JSON that can be read ({error})") from None


def _load_yaml(text: str, path: Path) -> Any:
    """OpenCV's own YAML begins with a directive that YAML does not know, and tags its matrices."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads a tagged matrix as the mapping that it is."""

    def matrix(loader: yaml.SafeLoader, node: Any) -> dict[Any, Any]:
        return loader.construct_mapping(node, deep=True)

    for tag in ("opencv-matrix", "opencv-nd-matrix"):
        Loader.add_constructor(f"tag:yaml.org,2002:{tag}", matrix)
    first, _, rest = text.partition("\n")
    try:
        return yaml.load(rest if first.startswith("%YAML:") else text, Loader)  # a SafeLoader
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where is not None else ""
        raise SettingsError(f"the intrinsics file '{path}' is no YAML that can be read{line}") from None


def _read_arrays(path: Path) -> dict[str, Any]:
    """The arrays that a script saved together."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name].tolist() for name in arrays.files}
    except (EOFError, ValueError, TypeError, BadZipFile, zlib.error) as error:
        raise SettingsError(f"the intrinsics file '{path}' holds no arrays that can be read") from error


def _read_xml(path: Path) -> dict[str, Any]:
    import cv2

    try:
        storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_READ)
        root = storage.root()
        return {key: _value(root.getNode(key)) for key in root.keys()}  # noqa: SIM118 (not a mapping)
    except (cv2.error, SystemError) as error:
        raise SettingsError(f"the intrinsics file '{path}' is no XML of OpenCV's that can be read") from error


def _value(node: Any) -> Any:
    if node.isReal() or node.isInt():
        return node.real()
    if node.isString():
        return node.string()
    matrix = node.mat() if node.isMap() else None
    return None if matrix is None else matrix.tolist()
