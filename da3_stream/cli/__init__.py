"""The command line `da3-stream`: options and calls, no logic; heavy imports only inside commands.

Only `main` turns errors into a message and an exit status.
"""

from .app import app, main

__all__ = ["app", "main"]
