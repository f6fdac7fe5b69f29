"""By which settings, programs and model a run was made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...models.manifest import read_manifest
from ...settings import Settings
from ..lines import fact_rows
from .html import escape, figure, folded, section, table
from .subject import Subject


def settings(subject: Subject) -> str:
    """Those that differ from the defaults first, the others folded; empty where the run does not tell."""
    chosen = dict(flat(subject.facts.get("settings", {})))
    if not chosen:
        return ""
    others = differing(subject.facts)
    differ = [_row(name, value, default) for name, value, default in others]
    same = [_row(name, value) for name, value in chosen.items() if name not in {name for name, _, _ in others}]
    return section(
        "settings",
        "Settings",
        table(differ, ("setting", "here", "by default")) if differ else "<p>All are the defaults.</p>",
        folded(f"The {len(same)} that are the defaults", table(same)),
    )


def differing(facts: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Name, value and default of the settings that differ from the defaults of the run's quality."""
    chosen = dict(flat(facts.get("settings", {})))
    quality = chosen.get("model.quality")
    default = dict(flat(Settings.build({"model": {"quality": quality}} if quality else {}).model_dump(mode="json")))
    default["model.quality"] = Settings().model.quality
    return [(name, value, default.get(name)) for name, value in chosen.items() if value != default.get(name)]


def versions(subject: Subject) -> str:
    """Input, model with its licence, camera, versions, and folded all that `info` tells."""
    facts = subject.facts
    model, source = facts.get("model", {}), facts.get("input", {})
    rows = [(escape(name), figure(f"versions.{name}", value)) for name, value in facts.get("versions", {}).items()]
    if isinstance(model, Mapping) and model:
        rows = [("model", figure("model.name", model.get("name"))), ("licence", licence(str(model.get("name")))), *rows]
    if isinstance(source, Mapping) and source:
        rows.insert(0, ("input", figure("input.name", source.get("name"))))
    if facts.get("started"):
        rows.insert(1, ("started", escape(str(facts["started"]))))
    every = [(escape(name), escape(value)) for name, value in fact_rows(facts) if name != "path"]
    return section("versions", "Made by", table(rows), folded("All facts", table(every)))


def licence(model: str) -> str:
    """Under which licence a model's weights are, and so what is made with them."""
    if model == "sfm":
        return "no network: da3_stream's own, Apache 2.0"
    found = [entry for entry in read_manifest() if entry.name == model]
    if not found:
        return "that of its checkpoint"
    return escape(found[0].licence_note or found[0].licence)


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names of stage and key joined by a dot, and values."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and not prefix.count("."):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _row(name: str, *values: Any) -> list[str]:
    first, *others = values
    return [escape(name), figure(f"settings.{name}", first, _text(first)), *(escape(_text(value)) for value in others)]


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and "params" in value:  # a calibration
        numbers = ", ".join(f"{number:.6g}" for number in value["params"])
        return f"{value.get('model')} {numbers}" + (f" ({value['source']})" if value.get("source") else "")
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value)
