"""How many threads numpy's and scipy's linear algebra takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """One thread for BLAS, as it was before when the block ends; torch's own is left alone.

    What a run gives to BLAS is small: further threads, one for every core, mostly wait for work in a busy loop, which
    takes the cores from the predictor and doubles the seconds of CPU (measured on two cores).
    """
    import scipy.linalg  # noqa: F401 - its library must be there to be found
    from threadpoolctl import ThreadpoolController

    libraries = ThreadpoolController()
    paths = [library["filepath"] for library in libraries.select(user_api="blas").info()]
    with libraries.select(filepath=[path for path in paths if "torch" not in path]).limit(limits=1):
        yield
