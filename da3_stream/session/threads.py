"""How many threads the libraries under a run take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread_each() -> Iterator[None]:
    """One thread for BLAS (numpy's, scipy's, faiss's) and one for OpenCV, as it was before when the block ends; torch's
    own are left alone.

    What a run gives them is small: further threads, one for every core, mostly wait for work in a busy loop, which
    takes the cores from the predictor and doubles the seconds of CPU (measured on two cores).
    """
    import cv2
    import faiss  # noqa: F401 - a library must be there to be found
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    libraries, before = ThreadpoolController(), cv2.getNumThreads()
    paths = [library["filepath"] for library in libraries.select(user_api="blas").info()]
    cv2.setNumThreads(1)
    try:
        with libraries.select(filepath=[path for path in paths if "torch" not in path]).limit(limits=1):
            yield
    finally:
        cv2.setNumThreads(before)
