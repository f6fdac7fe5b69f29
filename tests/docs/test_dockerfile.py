"""The Dockerfile holds to its rules; `make dockerfile` runs its steps."""

from __future__ import annotations

import subprocess

from tests.docs.dockerfile import steps
from tests.docs.pages import ROOT

STEPS = list(steps((ROOT / "Dockerfile").read_text()))


def test_what_it_copies_is_in_the_checkout_and_not_ignored() -> None:
    copied = [source for instruction, words in STEPS if instruction == "COPY" for source in words.split()[:-1]]
    assert not [source for source in copied if not (ROOT / source).exists()]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == kept


def test_every_package_is_installed_by_the_constraints() -> None:
    installs = [words for instruction, words in STEPS if instruction == "RUN" and "pip install" in words]
    assert len(installs) == 2
    assert all("-c constraints.txt" in words for words in installs)


def test_extras_are_a_build_argument_and_none_by_default() -> None:
    (install,) = [words for _, words in STEPS if "EXTRAS" in words and "pip install" in words]
    asked = install.rpartition(" ")[2]
    for extras, expected in (("", "."), ("ray,s3", ".[ray,s3]")):
        done = subprocess.run(["bash", "-ec", f"echo {asked}"], env={"EXTRAS": extras}, capture_output=True, text=True)
        assert done.stdout.strip() == expected


def test_the_index_of_torch_is_a_build_argument_and_the_cpu_s_by_default() -> None:
    arguments = [words for instruction, words in STEPS if instruction == "ARG"]
    assert arguments == ["TORCH_INDEX=https://download.pytorch.org/whl/cpu", "EXTRAS="]
    assert any('--index-url "$TORCH_INDEX"' in words for _, words in STEPS)
