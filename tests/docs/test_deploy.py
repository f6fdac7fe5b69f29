"""The files of docs/deploy/ are what Ray's launcher and KubeRay expect, as far as can be told without a cluster."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.docs.pages import ROOT
from tests.docs.test_commands import parsed

DEPLOY = ROOT / "docs" / "deploy"
LAUNCHER, KUBERAY = DEPLOY / "ray-cluster.yaml", DEPLOY / "kuberay.yaml"
PINNED = re.search(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(), re.M)
STEPS = (ROOT / "Dockerfile").read_text()


def cluster() -> dict[str, Any]:
    (found,) = [page for page in yaml.safe_load_all(KUBERAY.read_text()) if page["kind"] == "RayCluster"]
    return found


def groups() -> Iterator[dict[str, Any]]:
    yield cluster()["spec"]["headGroupSpec"]
    yield from cluster()["spec"]["workerGroupSpecs"]


def shown(file: Path) -> list[str]:
    """The commands of `da3-stream` in the comments of a file."""
    text = re.sub(r"\\\n#\s*", "", file.read_text())
    return re.findall(r"^#.*?[ \"]da3-stream ([a-z]+ [^\"\n]*)", text, re.M)


def test_the_launcher_s_file_fits_ray_s_schema() -> None:
    spec = find_spec("ray")
    assert spec is not None and spec.origin is not None
    schema = json.loads((Path(spec.origin).parent / "autoscaler" / "ray-schema.json").read_text())
    jsonschema.validate(yaml.safe_load(LAUNCHER.read_text()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**yaml.safe_load(LAUNCHER.read_text()), "shared_path": "/footage"}, schema)


@pytest.mark.parametrize("file", [LAUNCHER, KUBERAY], ids=lambda file: file.name)
def test_its_commands_are_understood(file: Path) -> None:
    commands = shown(file)
    assert commands
    for command in commands:
        given = parsed(tuple(shlex.split(command)))
        assert given["engine"] == "ray" and given["address"] == "auto"


def test_both_name_the_ray_that_the_image_has() -> None:
    assert PINNED is not None and version("ray") == PINNED[1]
    assert cluster()["spec"]["rayVersion"] == PINNED[1]
    assert f"ray[default]=={PINNED[1]}" in LAUNCHER.read_text()


@pytest.mark.parametrize("file", [LAUNCHER, KUBERAY], ids=lambda file: file.name)
def test_the_image_is_one_that_the_dockerfile_builds(file: Path) -> None:
    assert "--build-arg EXTRAS=ray,s3" in file.read_text() and "ARG EXTRAS" in STEPS


def test_pods_have_what_they_need() -> None:
    for group in groups():
        spec = group["template"]["spec"]
        (container,) = spec["containers"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]} == {"data", "shm"}
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert container["readinessProbe"]["exec"] and container["livenessProbe"]["exec"]
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        memory = {"object store": int(group["rayStartParams"]["object-store-memory"]), "shm": 9 * 2**30}
        assert memory["object store"] < memory["shm"] < int(container["resources"]["limits"]["memory"][:-2]) * 2**30


def test_the_volume_is_shared_by_all() -> None:
    claims = {page["metadata"]["name"]: page for page in yaml.safe_load_all(KUBERAY.read_text())}
    (mode,) = claims["da3-stream-data"]["spec"]["accessModes"]
    assert mode == "ReadWriteMany"
