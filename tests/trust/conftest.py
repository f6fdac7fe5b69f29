from __future__ import annotations

import pytest

from da3_stream.trust import Judge, load_judge


@pytest.fixture
def package_judge() -> Judge:
    return load_judge()
