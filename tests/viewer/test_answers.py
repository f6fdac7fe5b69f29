"""Details, pictures, reports and exports of a run are its own files' contents; other names find nothing."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from da3_stream.store import RunReader, write_submap
from da3_stream.viewer.level_files import LevelFiles
from tests.worlds.exported_run import whole_run
from tests.worlds.street import street_part

from .conftest import decode_cameras, decode_poses, serving


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The street with pictures, a report, a mask and exports."""
    run = whole_run(tmp_path_factory.mktemp("answers") / "run of mine")
    part = street_part(0)
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32] = (200, 40, 30)
    write_submap(run, 0, replace(part, images=(picture,) * int(part.owned.sum())))
    (run.path / "report.html").write_text("<style>p{color:red}</style><p>good</p><script>no()</script>")
    (run.path / "static_mask.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    exports = run.path / "export"
    exports.mkdir()
    (exports / "trajectory.tum").write_text("1 2 3")
    (exports / "Weg über Land.gpx").write_text("gpx")
    for name in (".hidden", "line\nbreak.txt", "back\\slash.txt"):
        (exports / name).write_text("secret")
    (exports / "colmap").mkdir()
    (exports / "colmap" / "cameras.txt").write_text("secret")
    os.symlink("/etc/hostname", exports / "link.txt")
    (run.path / "secret.txt").write_text("secret")
    return run


@pytest.fixture(scope="module")
def client(run):
    with serving(run.path) as client:
        yield client


def test_depth_is_the_runs_own_in_world_units(run, client):
    data = client.bytes("/depth/5?raw=1")
    width, height = np.frombuffer(data, "<u4", 2)
    depth = np.frombuffer(data, "<f4", offset=8).reshape(height, width)
    np.testing.assert_array_equal(depth, RunReader.open(run.path).depth_without_sky(5)[0])
    told = client.json("/frame/5")["depth"]
    assert told["median"] == pytest.approx(float(np.median(depth[depth > 0])), rel=1e-6)
    assert told["share"] == pytest.approx((depth > 0).mean())


def test_false_colours_have_the_size_of_the_depth_and_are_black_where_there_is_none(run, client):
    depth = RunReader.open(run.path).depth_without_sky(5)[0]
    for name in ("depth", "confidence"):
        status, data, headers = client.get(f"/{name}/5")
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert (status, headers["Content-Type"], picture.shape[:2]) == (200, "image/png", depth.shape)
    picture = cv2.imdecode(np.frombuffer(client.bytes("/depth/5"), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert not picture[depth == 0].any()
    near, far = (
        np.unravel_index(np.where(depth > 0, depth, 1e9).argmin(), depth.shape),
        np.unravel_index(depth.argmax(), depth.shape),
    )
    assert picture[near][0] > picture[near][2]
    assert picture[far][2] > picture[far][0]


def test_a_picture_is_the_stored_one_and_smaller_where_that_is_asked_for(client):
    full = cv2.imdecode(np.frombuffer(client.bytes("/image/2"), np.uint8), cv2.IMREAD_COLOR_RGB)
    small = cv2.imdecode(np.frombuffer(client.bytes("/image/2?size=32"), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert full.shape == (48, 64, 3)
    assert small.shape == (24, 32, 3)
    assert abs(full[20, 10].astype(int) - (200, 40, 30)).max() < 10
    assert client.get("/image/2?size=1000")[1] == client.get("/image/2")[1]
    assert client.json("/frame/2")["has_image"] is True
    assert client.json("/frame/27")["has_image"] is False
    assert client.get("/image/27")[0] == 404


@pytest.mark.slow
def test_loops_show_their_two_pictures(run, client):
    run.append_event("loop", frames=(1, 3))
    while not client.json("/state")["loops"]:  # the run is looked at once a second
        time.sleep(0.1)
    assert client.json("/state")["loops"][0]["images"] is True
    assert client.bytes("/loop/0/a") == client.bytes("/image/1")
    assert client.bytes("/loop/0/b?size=32") == client.bytes("/image/3?size=32")
    for path in ("/loop/0/c", "/loop/1/a", "/loop/0", "/loop/0/a/b"):
        assert client.get(path)[0] == 404


def test_the_report_has_its_styles_and_no_script(client):
    status, body, headers = client.get("/report")
    policy = headers["Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(b"p{color:red}").digest()).decode()
    assert (status, b"<p>good</p>" in body) == (200, True)
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy


def test_files_of_the_export_folder_are_downloads_and_nothing_else_is(client):
    names = {entry["name"]: entry["bytes"] for entry in client.json("/state")["exports"]}
    assert names == {"trajectory.tum": 5, "Weg über Land.gpx": 3}
    status, body, headers = client.get("/export/trajectory.tum")
    assert (status, body) == (200, b"1 2 3")
    told = "attachment; filename=\"trajectory.tum\"; filename*=UTF-8''trajectory.tum"
    assert headers["Content-Disposition"] == told
    _, body, headers = client.get("/export/Weg%20%C3%BCber%20Land.gpx")
    assert body == b"gpx"
    assert headers["Content-Disposition"].endswith("filename*=UTF-8''Weg%20%C3%BCber%20Land.gpx")
    refused = (".hidden", "colmap", "link.txt", "..%2fsecret.txt", "%2e%2e", "secret.txt", "colmap/cameras.txt", "")
    answers = [client.get(f"/export/{name}") for name in refused]
    assert {status for status, _, _ in answers} <= {400, 404}
    assert not any(b"secret" in body for _, body, _ in answers)


def test_frames_without_a_pose_are_rows_without_one(tmp_path):
    run = whole_run(tmp_path / "run")
    part = street_part(2)
    write_submap(run, 2, replace(part, window_from_camera=np.full_like(part.window_from_camera, np.nan)))
    run.page_path(2).unlink()
    with serving(run.path) as client:
        state, poses = client.json("/state"), decode_poses(client.bytes("/poses"))
        lost = np.isnan(poses["scale"])
        assert 0 < lost.sum() < len(lost) == state["frames"] == 28
        assert np.isnan(poses["translation"][lost]).all()
        assert np.isnan(poses["rotation"][lost]).all()
        cameras = decode_cameras(client.bytes("/cameras"))
        borrowed = lost & np.isfinite(cameras["scale"])  # from the submap before: its own has nothing to move
        assert borrowed.sum() == 2
        assert (poses["confidence"][lost & ~borrowed] == 0).all()
        assert np.isfinite(poses["translation"][~lost]).all()
        assert (state["submaps"][2]["centre"], state["submaps"][2]["radius"]) == (None, 0.0)
        row = int(np.flatnonzero(lost)[-1])
        told = client.json(f"/frame/{row}")
        assert (told["centre"], told["depth"], told["segment"], told["status"]) == (None, None, None, "UNPLACED")
        assert [client.get(f"/{name}/{row}")[0] for name in ("depth", "confidence", "image")] == [404] * 3


def test_links_of_a_run_lead_nowhere(tmp_path):
    """A run directory may come from somebody else."""
    run = whole_run(tmp_path / "run")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    os.symlink(tmp_path / "outside", run.path / "export")
    os.symlink(tmp_path / "outside" / "secret.txt", run.path / "report.html")
    os.mkfifo(run.path / "static_mask.png")
    with serving(run.path) as client:
        assert client.json("/state")["exports"] == []
        assert [client.get(path)[0] for path in ("/export/secret.txt", "/report", "/mask")] == [404, 404, 404]


UNWELCOME = {
    "/run.json": 404,
    "/windows/000000.npz": 404,
    "/assets/index.html/..": 400,
    "/assets/..%2fpage%2findex.html": 400,
    "/assets/hashes": 404,
    "/assets": 404,
    "/assets/page.js/": 400,
    "/frame/28": 404,
    "/frame/-1": 404,
    "/frame/1e1": 404,
    "/frame/%D9%A3": 404,
    "/frame/9999999999999": 404,
    "/frame": 404,
    "/image/3?size=100000": 400,
    "/depth/3?raw=2": 400,
    "/submaps/3": 404,
    "/submaps/..": 400,
    "/points/0": 400,
    "/points/0?first=0&last=100000": 404,
    "/points/0?first=1&last=0": 404,
    "/points/0?first=0&last=0&revision=-1": 400,
    "/state?since=now": 400,
    "/frames?from=-1": 400,
    "/poses?since=1.5": 400,
    "/poses?since=" + "9" * 400: 400,
    "/export/%00": 400,
    "/mask/1": 404,
}


@pytest.mark.parametrize("path", UNWELCOME)
def test_what_the_run_does_not_have_is_refused_and_the_page_is_served_on(client, path):
    assert client.get(path)[0] == UNWELCOME[path]
    assert client.get("/state")[0] == 200


def test_too_many_points_at_once_are_refused(client, monkeypatch):
    monkeypatch.setattr("da3_stream.viewer.routes.MOST_POINT_BYTES", 1000)
    assert client.get("/points/0?first=0&last=0")[0] == 400


def test_points_are_kept_by_a_browser_only_under_their_revision(client):
    revision = client.json("/submaps/0")["revision"]
    told = [client.get(f"/points/0?first=0&last=0{more}")[2]["Cache-Control"] for more in
            ("", "&revision=1", f"&revision={revision}")]  # fmt: skip
    assert told[:2] == ["no-store", "no-store"]
    assert "immutable" in told[2]
    assert client.get("/state")[2]["Cache-Control"] == "no-store"


def test_levels_of_an_older_run_are_built_beside_it_and_bounded(run, tmp_path, monkeypatch):
    monkeypatch.setattr("da3_stream.viewer.level_files.MOST_BUILT", 40_000)
    monkeypatch.setattr("da3_stream.viewer.level_files.MOST_OPEN", 1)
    files = LevelFiles(run, tmp_path)
    read = [files.open(submap).read(0, 0) for submap in (0, 1, 2, 0, 1, 1)]
    assert (read[0], read[1], read[4]) == (read[3], read[4], read[5])
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 40_000
