import cv2
import faiss  # noqa: F401
import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_info

from da3_stream.machine import one_thread_each


def test_a_run_takes_one_thread_of_each_library_and_gives_the_others_back():
    before, pictures = blas_threads(), cv2.getNumThreads()
    cv2.setNumThreads(2)
    with one_thread_each():
        assert blas_threads() == [1] * len(before)
        assert cv2.getNumThreads() == 1
    assert len(before) > 0
    assert (blas_threads(), cv2.getNumThreads()) == (before, 2)
    cv2.setNumThreads(pictures)


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
