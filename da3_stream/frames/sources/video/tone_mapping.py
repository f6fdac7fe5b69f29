"""Pictures of a high dynamic range or a wide gamut as ordinary ones: BT.709 at its display's gamma, 2.4 (BT.1886)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ....types import Float64, UInt8

PQ, HLG = 16, 18  # transfer characteristics (ITU-T H.273)
BT2020, P3 = 9, 12  # colour primaries: of BT.2020, of Display P3
WHITE = 203.0  # cd/m², of a white surface in HDR (BT.2408), which becomes the white of SDR
PEAK = 1000.0  # cd/m², of the display that HDR is graded for; what is brighter is white
HLG_GAMMA = 1.2  # of a display with that peak (BT.2100)
GAMMA = 2.4
STEPS = 65535

# Linear BT.709 from linear BT.2020 (BT.2087) and from P3 with the white of D65.
BT709_FROM = {
    BT2020: ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730)),
    P3: ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}
LUMINANCE = (0.2627, 0.6780, 0.0593)  # of BT.2020's primaries

Float32 = NDArray[np.float32]


def decode_pq(signal: Float64) -> Float64:
    """Light in cd/m² of a PQ signal 0 to 1 (BT.2100, table 4)."""
    root = np.maximum(signal, 0) ** (32 / 2523)
    light = np.maximum(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)
    return np.asarray(10000 * light ** (8192 / 1305))


def encode_pq(light: Float64) -> Float64:
    """PQ signal 0 to 1 of light in cd/m² (BT.2100, table 4)."""
    root = (np.maximum(light, 0) / 10000) ** (1305 / 8192)
    return np.asarray(((3424 / 4096 + 2413 / 128 * root) / (1 + 2392 / 128 * root)) ** (2523 / 32))


def decode_hlg(signal: Float64) -> Float64:
    """Light of the scene, 0 to 1, of an HLG signal 0 to 1 (BT.2100, table 5: inverse OETF)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    bright = (np.exp((np.maximum(signal, 0.5) - c) / a) + b) / 12
    return np.where(signal <= 0.5, signal**2 / 3, bright)


def compress(light: Float64, peak: float = PEAK, white: float = WHITE) -> Float64:
    """Light in cd/m² up to `peak` as a display shows it whose white is `white` (BT.2390: EETF, without black lift)."""
    top = encode_pq(np.array(peak))
    signal = np.minimum(encode_pq(light) / top, 1)
    most = float(encode_pq(np.array(white)) / top)
    knee = 1.5 * most - 0.5
    t = (signal - knee) / (1 - knee)
    curve = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most
    return decode_pq(np.where(signal < knee, signal, curve) * top)


@dataclass(frozen=True)
class ToneMapping:
    """Makes [H,W,3] uint16 of a transfer characteristic (PQ, HLG, else SDR) and of primaries RGB [H,W,3] uint8."""

    transfer: int
    primaries: int

    def __call__(self, image: NDArray[np.uint16]) -> UInt8:
        """Light in units of SDR's white, in BT.709's primaries, compressed, encoded. All colours keep their hue: what
        compresses the strongest of the three compresses the others as much."""
        light = self._light[image]
        if self.transfer == HLG:
            luminance = light @ np.array(LUMINANCE, np.float32)
            light *= (PEAK / WHITE * luminance ** np.float32(HLG_GAMMA - 1))[..., None]
        if self.primaries in BT709_FROM:
            light = light @ np.array(BT709_FROM[self.primaries], np.float32).T
        if self.transfer in (PQ, HLG):
            light *= self._gain[_steps(light.max(axis=2) * np.float32(WHITE / PEAK))][..., None]
        return self._encoded[_steps(light)]

    @cached_property
    def _light(self) -> Float32:
        """Of each stored number: light in units of SDR's white; of HLG, that of the scene."""
        signal = np.arange(STEPS + 1) / STEPS
        if self.transfer == PQ:
            return (decode_pq(signal) / WHITE).astype(np.float32)
        return (decode_hlg(signal) if self.transfer == HLG else signal**GAMMA).astype(np.float32)

    @cached_property
    def _gain(self) -> Float32:
        """What light of each of `_steps` from black to `PEAK` is multiplied with."""
        light = np.maximum((np.arange(STEPS + 1) / STEPS) ** 2 * PEAK, 1e-3)
        return (compress(light) / light).astype(np.float32)

    @cached_property
    def _encoded(self) -> UInt8:
        """SDR's 8 bits of light at each of `_steps`."""
        return np.rint(255 * (np.arange(STEPS + 1) / STEPS) ** (2 / GAMMA)).astype(np.uint8)


def _steps(share: Float32) -> NDArray[np.uint16]:
    """Places in a table over the square root of a share 0 to 1; what lies beyond is clipped."""
    return (np.sqrt(np.clip(share, 0, 1)) * np.float32(STEPS) + np.float32(0.5)).astype(np.uint16)
