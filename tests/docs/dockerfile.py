"""The Dockerfile, run without docker: python -m tests.docs.dockerfile FOLDER [NAME=VALUE of an ARG ...].

Every COPY and RUN happens in FOLDER, in which /opt lies; PATH and the interpreter are this machine's. It takes minutes
and downloads packages, so a make target (`make dockerfile`) runs it, and no test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.docs.pages import ROOT

Step = tuple[str, str]  # of an instruction and its words


def steps(text: str) -> Iterator[Step]:
    """The instructions of a Dockerfile in order, those over several lines as one."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        instruction, _, words = line.partition(" ")
        yield instruction, words.strip()


def build(folder: Path, given: Mapping[str, str]) -> None:
    """Do what an image would be built by. Raises CalledProcessError where a step fails."""
    folder = folder.resolve()
    place, arguments = folder, dict(given)
    for instruction, words in steps((ROOT / "Dockerfile").read_text()):
        if instruction == "ARG":
            name, _, value = words.partition("=")
            arguments.setdefault(name, value)
        elif instruction == "WORKDIR":
            place = folder / words.lstrip("/")
            place.mkdir(parents=True, exist_ok=True)
        elif instruction == "COPY":
            copy(words.split(), place)
        elif instruction == "RUN":
            print(f"RUN {words}", flush=True)
            command = words.replace("/opt/", f"{folder}/opt/")
            subprocess.run(["bash", "-ec", command], cwd=place, env=os.environ | arguments, check=True)


def copy(words: list[str], place: Path) -> None:
    """COPY of files and folders of the checkout."""
    *sources, target = words
    for source in sources:
        there = place / target / Path(source).name if len(sources) > 1 or target.endswith("/") else place / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, there, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy(ROOT / source, there)


def main() -> None:
    """Build into the folder, then try the image's command there: a version, and the demo's shortest drive."""
    folder, values = Path(sys.argv[1]), [word.partition("=") for word in sys.argv[2:]]
    build(folder, {name: value for name, _, value in values})
    program = folder.resolve() / "opt/venv/bin/da3-stream"
    for words in (["--version"], ["weights", "list"], ["demo", "--frames", "40", "-q"]):
        subprocess.run([program, *words], cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True)


if __name__ == "__main__":
    main()
