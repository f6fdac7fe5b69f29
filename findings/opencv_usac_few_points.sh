#!/bin/sh
# opencv-python-headless 5.0.0.93: what USAC does with fewer correspondences than a minimal sample, beside RANSAC.
#
# Guess, written down first: cv2.USAC_MAGSAC in place of cv2.RANSAC changes the estimator, not the contract: where there
# are too few correspondences, both give None; of a minimal sample both give all solutions, one below the other.
# Seen: findFundamentalMat and findEssentialMat give None with RANSAC and raise cv2.error with USAC_MAGSAC; of a minimal
# sample RANSAC gives a stack of matrices (9x3 of seven points, 18x3 of five), USAC_MAGSAC one 3x3.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np

K = np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]])


def projected(points):
    image = points @ K.T
    return image[:, :2] / image[:, 2:]


def fundamental(a, b, method):
    return cv2.findFundamentalMat(a, b, method, 1.0, 0.999, 1000)[0]


def essential(a, b, method):
    return cv2.findEssentialMat(a, b, K, method, 0.999, 1.0)[0]


def outcome(estimate, count, method):
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-2, 2, (count, 2)), rng.uniform(4, 8, count)])
    try:
        found = estimate(projected(points), projected(points + [0.3, 0, 0.1]), method)
    except cv2.error:
        return "cv2.error"
    return "None" if found is None else "x".join(map(str, found.shape))


seen = {
    (estimate.__name__, count, name): outcome(estimate, count, getattr(cv2, name))
    for estimate, minimal in ((fundamental, 7), (essential, 5))
    for count in (minimal - 1, minimal)
    for name in ("RANSAC", "USAC_MAGSAC")
}
print(f"OpenCV {cv2.__version__}, two views of points in general position, no noise")
for (what, count, name), got in seen.items():
    print(f"  {what} matrix of {count} points by {name}: {got}")
for what, few in (("fundamental", 6), ("essential", 4)):
    assert seen[what, few, "RANSAC"] == "None", "RANSAC says otherwise now"
    assert seen[what, few, "USAC_MAGSAC"] == "cv2.error", "USAC does not raise any more"
assert seen["essential", 5, "RANSAC"] == "18x3", "RANSAC gives other solutions now"
assert seen["essential", 5, "USAC_MAGSAC"] == "3x3", "USAC gives several solutions now"
PYTHON
