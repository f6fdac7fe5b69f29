"""The life of a run: its job, its directory, begun or resumed, what is told and committed, its outputs.

`slam` knows nothing of it.
"""

from .job import Job, open_job
from .lifecycle import run_lifecycle
from .resume import open_session
from .session import RunSession

__all__ = ["Job", "RunSession", "open_job", "open_session", "run_lifecycle"]
