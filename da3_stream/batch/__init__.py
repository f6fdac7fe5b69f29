"""Many videos: a run for each in a process of its own, as many at once as cores, memory and disk allow.

`videos_of` or `read_list` say which, `run_batch` runs them.
"""

from .batch import run_batch
from .how import RETRIES, How
from .lists import is_list, read_list
from .summary import DONE, Row, State
from .videos import Video, videos_of

__all__ = ["DONE", "RETRIES", "How", "Row", "State", "Video", "is_list", "read_list", "run_batch", "videos_of"]
