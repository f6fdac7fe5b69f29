"""What a page asks of a run, and the server that answers it; only read, never written.

`RunView` is the run as a page sees it, followed while it goes on: `run_files` says when something changed, `snapshot`
reads it, `tables` keeps which rows changed when, `state` and `frame_details` tell it in JSON, `pictures` and
`level_files` give images and points. `routes` lays addresses over it, `serving` is the command.
"""

from .page_files import asset_names, read_asset
from .pictures import frame_image
from .run_view import RunView
from .snapshot import Snapshot

__all__ = ["RunView", "Snapshot", "asset_names", "frame_image", "read_asset"]
