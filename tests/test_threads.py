import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_info

from da3_stream.running.threads import one_blas_thread


def test_a_run_takes_one_blas_thread_and_gives_the_others_back():
    before = blas_threads()
    with one_blas_thread():
        assert blas_threads() == [1] * len(before)
    assert len(before) > 0
    assert blas_threads() == before


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
