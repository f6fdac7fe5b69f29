"""What of a model can be a graph of its own: images in, what the network says of them out, no choice left to Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ...errors import ModelError
from ..backbone.embedding import MEAN, PATCH, STD
from ..checkpoint import ModelCheckpoint
from ..config import NestedConfig
from ..heads.metric import CANONICAL_FOCAL_PX, FAR_SHARE, SKY_THRESHOLD
from ..network.branch import Branch
from ..network.clip import Clip, Request

ONE_GROUP = 1 << 16  # frames: all of them together, as a graph has no loop over groups

INPUT = (
    "RGB in 0 to 1, less the mean {mean}, over the deviation {std} of ImageNet; float32 [{frames},3,{height},{width}]"
)
CAMERAS = {
    "depth": "[{frames},H,W] along z, in a relative unit that all views share",
    "confidence": "[{frames},H,W] from 1",
    "camera_from_world": "[{frames},3,4] in the unit of the depth, axes of OpenCV: right, down, forward",
    "intrinsics": "[{frames},3,3] in pixels of the input, whose first pixel centre is at (0.5, 0.5)",
}
SKY = (
    f"[frames,H,W] from 0; where it is {SKY_THRESHOLD} and more is sky, whose depth means nothing: the original sets it"
    f" to the {FAR_SHARE} quantile of the rest"
)
METRIC = (
    f"[frames,H,W] along z in metres for a focal length of {CANONICAL_FOCAL_PX:g} px: times the focal length in pixels"
    f" of the input, over {CANONICAL_FOCAL_PX:g}"
)
RELATIVE = "[frames,H,W] along z, in a unit of each picture's own"


@dataclass(frozen=True, eq=False)
class Graph:
    """A function of images alone; `views` of one scene, None where each frame is looked at alone and their number is
    free."""

    module: nn.Module
    views: int | None
    size: tuple[int, int]  # height, width
    outputs: Mapping[str, str]  # what they are, by name

    @property
    def input(self) -> str:
        """What goes in."""
        height, width = self.size
        return INPUT.format(mean=MEAN, std=STD, frames=self.views or "frames", height=height, width=width)

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of frames that it is tried with."""
        return (1, 3) if self.views is None else (self.views,)


def graph_of(checkpoint: ModelCheckpoint, views: int | None, size: tuple[int, int]) -> Graph:
    """The graph of a model for images of (height, width). Raises ModelError where it has none like that."""
    network = checkpoint.network
    if isinstance(network.config, NestedConfig):
        raise ModelError("a nested model joins two by quantiles of a clip: export da3metric-large and da3-giant")
    if min(size) < PATCH or size[0] % PATCH or size[1] % PATCH:
        raise ModelError(f"the sides of images must be multiples of {PATCH}, not {size[1]}x{size[0]}")
    branch = network.branches[""]
    if branch.config.has_camera:
        if views is None or views < 1:
            raise ModelError(f"{checkpoint.name} looks at several views together: say how many (--views 2)")
        outputs = {name: text.format(frames=views) for name, text in CAMERAS.items()}
        return Graph(_Module(branch, outputs).eval(), views, size, outputs)
    if views is not None:
        raise ModelError(f"{checkpoint.name} looks at single frames, as many as there are: leave --views out")
    outputs = {"depth": METRIC if checkpoint.name.startswith("da3metric") else RELATIVE, "sky": SKY}
    return Graph(_Module(branch, outputs).eval(), None, size, outputs)


class _Module(nn.Module):
    """A branch as a function of images alone."""

    def __init__(self, branch: Branch, outputs: Mapping[str, str]) -> None:
        super().__init__()
        self.branch, self._names = branch, tuple(outputs)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """[N,3,H,W] normalised -> the outputs in their order."""
        out = self.branch(Clip(images), Request(frames_at_once=ONE_GROUP))
        return tuple(getattr(out, name) for name in self._names)
