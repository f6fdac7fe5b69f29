"""Batches of Sim(3) for the solver: pypose multiplies and inverts them and keeps rotations as unit quaternions.

pypose 0.9 loses up to 1e-4 of rho where the log-scale is around 1e-12 (its V divides by powers of it), so that V and
the Jacobian come from `geometry.sim3_closed_forms`. A batch is a pypose Sim3 [N,8]: translation, quaternion xyzw,
scale. Only this module imports pypose (and with it torch), when it makes its first batch: a run that solves no graph
needs neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..geometry import Sim3, sim3_closed_forms
from ..geometry.sim3_closed_forms import inverse_v_matrices, v_matrices

Array = NDArray[np.float64]
Batch = Any  # pypose.LieTensor


def stack(transforms: Sequence[Sim3]) -> Batch:
    """A batch of N transforms."""
    if not transforms:
        return _batch(np.zeros((0, 8)))
    rotations = Rotation.from_matrix(np.stack([t.rotation for t in transforms]))
    translations = np.stack([t.translation for t in transforms])
    scales = np.array([[t.scale] for t in transforms])
    return _batch(np.hstack([translations, rotations.as_quat(), scales]))


def unstack(batch: Batch) -> list[Sim3]:
    """The transforms of a batch, one by one."""
    parts = zip(scales(batch), rotations(batch), translations(batch), strict=True)
    return [Sim3(scale, rotation, translation) for scale, rotation, translation in parts]


def from_components(log_scales: Array, rotations: Rotation, translations: Array) -> Batch:
    """A batch of log-scales [N], N rotations and translations [N,3]."""
    return _batch(np.hstack([translations, rotations.as_quat(), np.exp(log_scales)[:, None]]))


def exp(tangents: Array) -> Batch:
    """Exponentials of tangents [N,7] in the order of `Sim3.log`."""
    import pypose
    import torch

    scaled_rotations = pypose.rxso3(torch.from_numpy(np.ascontiguousarray(tangents[:, 3:]))).Exp().numpy()
    shifts = np.einsum("nij,nj->ni", v_matrices(tangents[:, 3:6], tangents[:, 6]), tangents[:, :3])
    return _batch(np.hstack([shifts, scaled_rotations]))


def log(batch: Batch) -> Array:
    """Logarithms [N,7]: [rho, rotation vector, log-scale]."""
    rotvecs = batch.rotation().Log().numpy()
    log_scales = np.log(scales(batch))
    rho = np.einsum("nij,nj->ni", inverse_v_matrices(rotvecs, log_scales), translations(batch))
    return np.concatenate([rho, rotvecs, log_scales[:, None]], axis=1)


def adjoints(batch: Batch) -> Array:
    """Adjoint matrices [N,7,7]."""
    return sim3_closed_forms.adjoints(scales(batch), rotations(batch), translations(batch))


def scales(batch: Batch) -> Array:
    """Scales [N]."""
    return batch.numpy()[:, 7]


def rotations(batch: Batch) -> Array:
    """Rotation matrices [N,3,3]."""
    return batch.rotation().matrix().numpy()


def translations(batch: Batch) -> Array:
    """Translations [N,3]."""
    return batch.numpy()[:, :3]


def _batch(rows: Array) -> Batch:
    import pypose
    import torch

    return pypose.Sim3(torch.from_numpy(rows))
