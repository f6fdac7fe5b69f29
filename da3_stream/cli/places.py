"""Where a run's input comes from and where the run goes: on a disk here, or elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ..errors import SettingsError
from ..progress import Listener
from .console import default_out, say


@dataclass(frozen=True)
class Places:
    """The run directory, and the address that it is sent to when it is finished."""

    run: Path
    address: str | None = None

    @classmethod
    def of(cls, out: str | None, work: Path | None, inputs: list[str]) -> Places:
        """As `-o` and `--work` say. Raises SettingsError for `--work` of a run that stays here."""
        if out is not None and "://" in out:
            return cls(work or default_out(inputs), out.rstrip("/"))
        if work is not None:
            raise SettingsError("--work is for a run that goes to an address (-o s3://BUCKET/DIR): give -o alone")
        return cls(default_out(inputs) if out is None else Path(out))

    def require(self, overwrite: bool) -> None:
        """Raises RemoteFilesError, before there is a run, for an address that it could not be sent to."""
        if self.address is not None:
            from ..remote_files import require_destination

            require_destination(self.address, self.run, overwrite=overwrite)

    def send(self, overwrite: bool, quiet: bool, shown: bool, tell: Listener) -> None:
        """Copy the finished run to its address. Raises RemoteFilesError."""
        if self.address is not None:
            from ..remote_files import send_run

            sent = send_run(self.run, self.address, overwrite=overwrite, shown=shown, listener=tell)
            say(sent.text(), quiet)
            tell("sent", {"address": sent.address, "files": sent.files, "bytes": sent.bytes, "new": sent.new})


def source_of(inputs: list[str]) -> Any:
    """Inputs as `open_source` takes them."""
    return inputs[0] if len(inputs) == 1 else inputs


def list_input(inputs: list[str], run: Path, settings: Any, json: bool) -> None:
    """Tell what an input holds. Remote files are fetched for it, and stay for the run that follows."""
    from ..frames import listing, listing_text, open_source
    from ..remote_files import local_copies
    from ..store.files import json_page

    with local_copies(source_of(inputs), run, keep=True, shown=not json) as source:
        facts = listing(open_source(source, settings.frames, camera=settings.camera))
    typer.echo(json_page(facts).rstrip() if json else listing_text(facts))
