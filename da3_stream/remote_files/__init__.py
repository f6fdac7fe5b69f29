"""Files on other machines (`s3://bucket/drive.mp4`), by fsspec: inputs are copied here (`local_copies`), finished runs
there (`send_run`).

The only room that imports fsspec. A file is whole or absent, on either side; what was copied is not copied again.
"""

from .addresses import is_remote, without_password
from .copies import copies_folder, copies_for_a_while, local_copies
from .listing import find_remote
from .sending import Sent, require_destination, require_writable, send_files, send_run

__all__ = [
    "Sent",
    "copies_folder",
    "copies_for_a_while",
    "find_remote",
    "is_remote",
    "local_copies",
    "require_destination",
    "require_writable",
    "send_files",
    "send_run",
    "without_password",
]
