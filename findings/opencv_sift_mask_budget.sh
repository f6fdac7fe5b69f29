#!/bin/sh
# opencv-python-headless 5.0.0.93: what a mask does to the budget of keypoints of SIFT, ORB and goodFeaturesToTrack.
#
# Guess, written down first: detect(image, mask) with a budget of 1000 gives the 1000 strongest keypoints where the mask
# is not zero, if there are as many.
# Seen: SIFT takes the 1000 strongest of the whole image and drops those under the mask, which leaves about a quarter of
# them where the mask leaves a quarter of the image, although 1600 are there. ORB nearly and goodFeaturesToTrack wholly
# spend their budget where the mask allows.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np

BUDGET, ALL = 1000, 100_000
noise = np.random.default_rng(0).integers(0, 256, (480, 640), np.uint8)
image = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
mask = np.zeros(image.shape, np.uint8)
mask[:, 480:] = 255


def corners(count):
    return cv2.goodFeaturesToTrack(image, maxCorners=count, qualityLevel=0.01, minDistance=3, mask=mask)


found = {
    "SIFT": [len(cv2.SIFT.create(count).detect(image, mask)) for count in (BUDGET, ALL)],
    "ORB": [len(cv2.ORB.create(count).detect(image, mask)) for count in (BUDGET, ALL)],
    "goodFeaturesToTrack": [len(corners(count)) for count in (BUDGET, ALL)],
}
print(f"OpenCV {cv2.__version__}, a mask that leaves a quarter of the image")
for name, (budget, everything) in found.items():
    print(f"  {name}: {budget} of a budget of {BUDGET}, {everything} without one")
assert found["SIFT"][0] < 0.4 * BUDGET < found["SIFT"][1], "SIFT's budget is spent otherwise now"
assert found["ORB"][0] > 0.9 * BUDGET, "ORB's budget is spent otherwise now"
assert found["goodFeaturesToTrack"][0] == BUDGET, "goodFeaturesToTrack's budget is spent otherwise now"
PYTHON
