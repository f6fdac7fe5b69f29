"""What a run says of what goes with the camera."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.session.mask_log import MaskLog
from da3_stream.types import AdviceCode, Frame

IMAGE = np.zeros((100, 200, 3), np.uint8)


def frames(share: float) -> list[Frame]:
    """The third and fourth of six frames have a mask over so much of them."""
    mask = np.ones(IMAGE.shape[:2], np.bool_)
    mask.flat[: round(share * mask.size)] = False
    return [Frame(k, k / 10, IMAGE, str(k), static_mask=mask if k in (2, 3) else None) for k in range(6)]


@pytest.mark.parametrize(("share", "said"), [(0.2, ["20% of the image"]), (0.004, [])])
def test_what_is_masked_is_said_unless_it_is_a_speck(share: float, said: list[str]) -> None:
    log = MaskLog()
    log.add(frames(share))
    advice = log.advice(frames(share))
    assert [row.text[:16] for row in advice] == said
    assert all((row.code, row.first_frame, row.last_frame) == (AdviceCode.STATIC_MASK, 2, 3) for row in advice)
    told = log.as_json()
    assert told is not None and told["share"] == pytest.approx(share, abs=1e-4) and told["since_s"] == 0.2
