"""The hub's cache on this machine: which files it has, under which hash, and downloads into it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..errors import ModelError

CONFIG, WEIGHTS = "config.json", "model.safetensors"  # the files of a checkpoint
SHA256, GIT_SHA1 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")  # the hub's names of large and small files


def cached_folder(hub_id: str, files: Sequence[str]) -> Path | None:
    """Where the cache has all the files; None if it has not."""
    from huggingface_hub import try_to_load_from_cache

    paths = [try_to_load_from_cache(hub_id, file) for file in files]
    return Path(paths[0]).parent if all(isinstance(path, str) for path in paths) else None  # type: ignore[arg-type]


def fetch_files(hub_id: str, files: Sequence[str], sha256: dict[str, str]) -> Path:
    """Bring files into the cache and return their folder.

    A download goes on where an earlier one stopped, also that of a process that was killed, and is hashed before it
    gets its place: compared with `sha256` (by file) where that tells it, else with the hash under which the hub stores
    it. `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE` and `HF_TOKEN` are respected. Raises ModelError in one sentence.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HTTPError

    try:
        for file in files:
            _download(hub_id, file, sha256.get(file))
        paths = [hf_hub_download(hub_id, file) for file in files]
    except (HTTPError, OSError) as error:
        raise ModelError(f"{hub_id} could not be fetched: {_reason(error, hub_id)}") from error
    return Path(paths[0]).parent


def cached_hash(path: Path) -> str | None:
    """The sha256 under which the hub stored a file of its cache, from the name that its link leads to; None if none."""
    name = Path(os.readlink(path)).name if path.is_symlink() else ""  # one step: shared blobs lie a step further
    return name if SHA256.fullmatch(name) else None


def file_hash(path: Path) -> str:
    """The sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(hub_id: str, file: str, known: str | None) -> None:
    """Put a file among the blobs of the cache, where hf_hub_download finds it and has nothing left to load.

    hf_hub_download by itself (version 2.4) begins anew after a process has ended, since it writes to a file of a random
    name, and compares no hash.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import WeakFileLock

    remote = get_hf_file_metadata(hf_hub_url(hub_id, file))
    if remote.etag is None or remote.commit_hash is None:
        return  # no hub: hf_hub_download says so
    if known is not None and SHA256.fullmatch(remote.etag) and remote.etag != known:
        raise ModelError(f"{hub_id} has another {file} than expected: sha256 {remote.etag} instead of {known}")
    cache, repo = Path(constants.HF_HUB_CACHE), repo_folder_name(repo_id=hub_id, repo_type="model")
    blob, lock = cache / repo / "blobs" / remote.etag, cache / ".locks" / repo / f"{remote.etag}.lock"
    for folder in (blob.parent, lock.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if not blob.exists():
            url = hf_hub_url(hub_id, file, revision=remote.commit_hash)
            _download_blob(url, blob, remote.size, f"{hub_id.split('/')[-1]}/{file}", known or remote.etag)


def _download_blob(url: str, blob: Path, size: int | None, title: str, expected: str) -> None:
    """Download the missing part of a file, check the hash of the whole, and move it to its place."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    part = blob.with_name(f"{blob.name}.incomplete")
    have = part.stat().st_size if part.exists() else 0
    if size is not None and have > size:
        part.unlink()
        have = 0
    if size is not None:
        _require_room(size - have, part.parent, title)
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}  # ranges count the file's own bytes
    with part.open("ab") as file:
        http_get(url, file, resume_size=have, headers=headers, expected_size=size, displayed_filename=title)
    actual = _hash_like(expected, part)
    if actual != expected:
        part.unlink()
        raise ModelError(
            f"{title} arrived damaged and was thrown away (hash {actual}, expected {expected}): fetch it again"
        )
    part.replace(blob)


def _hash_like(expected: str, path: Path) -> str:
    """The hash of a file, of the kind that `expected` is: sha256, or git's for small files."""
    if GIT_SHA1.fullmatch(expected):
        data = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return file_hash(path) if SHA256.fullmatch(expected) else expected  # a mirror of its own ways: nothing to compare


def _require_room(needed: int, folder: Path, title: str) -> None:
    """Raises ModelError if the disk is too small."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelError(
            f"{title} needs {needed / 1e9:.2f} GB more, and {folder} has {free / 1e9:.2f} GB free: make room, or let "
            "HF_HUB_CACHE name a folder on a larger disk"
        )


def _reason(error: Exception, hub_id: str) -> str:
    """Why the hub gave nothing, and what to do."""
    from huggingface_hub import constants, errors

    page = f"{constants.ENDPOINT}/{hub_id}"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids it: unset it"
    if isinstance(error, errors.GatedRepoError):
        return f"its terms must be accepted first: do so at {page}, and log in ('hf auth login', or HF_TOKEN)"
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else None
    if status in (401, 403, 404):
        return f"{page} is not there, or not for everyone ('hf auth login', or HF_TOKEN, for those who may)"
    if status is not None:
        return f"{constants.ENDPOINT} answered {status}: try again later"
    if isinstance(error, errors.HTTPError):
        cause = str(error) or type(error).__name__
        return f"no connection to {constants.ENDPOINT} ({cause}): try again, it goes on where it stopped"
    return str(error).strip().splitlines()[0]
