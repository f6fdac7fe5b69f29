from __future__ import annotations

import numpy as np
import pytest
import trimesh

from da3_stream.cloud import points_in_world, preview_cloud, read_page, read_ply
from da3_stream.cloud import preview as preview_module
from da3_stream.errors import StoreError
from da3_stream.settings import CloudSettings
from da3_stream.store import read_run_geometry
from tests.worlds.street import run_with_pages

SETTINGS = CloudSettings(voxel=0.02, per_pixel=None, preview_points=1000)


@pytest.fixture
def run(tmp_path):
    return run_with_pages(tmp_path / "run")


def test_it_has_at_most_so_many_points_of_all_pages_by_the_poses_of_now(run):
    geometry = read_run_geometry(run)
    count = preview_cloud(run, geometry, SETTINGS)
    xyz, _ = read_ply(run.path / "cloud.ply")
    assert 500 < count == len(xyz) == len(trimesh.load(run.path / "cloud.ply").vertices) <= 1000
    pages = [points_in_world(read_page(run, submap), geometry, submap).xyz for submap in range(3)]
    assert all(set(map(tuple, page.tolist())) & set(map(tuple, xyz.tolist())) for page in pages)
    assert set(map(tuple, xyz.tolist())) <= set(map(tuple, np.concatenate(pages).tolist()))


def test_an_update_reads_new_pages_only(run, monkeypatch):
    geometry = read_run_geometry(run)
    read = []
    monkeypatch.setattr(preview_module, "read_page", lambda *a: read.append(a[1]) or read_page(*a))
    preview_module._update_samples(run, run.path / "cloud" / "samples.bin", 2, 1000)
    preview_cloud(run, geometry, SETTINGS)
    preview_cloud(run, geometry, SETTINGS)
    assert read == [0, 1, 2]


@pytest.mark.parametrize("pages_first", [1, 2, 3])
def test_growing_page_by_page_gives_the_same_as_all_at_once(run, pages_first):
    path = run.path / "cloud" / "samples.bin"
    preview_module._update_samples(run, path, 3, 1000)
    whole = path.read_bytes()
    path.unlink()
    preview_module._update_samples(run, path, pages_first, 1000)
    preview_module._update_samples(run, path, 3, 1000)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("damage", [b"", b"foreign", None])
def test_a_damaged_sample_is_made_anew(run, damage):
    geometry, path = read_run_geometry(run), run.path / "cloud" / "samples.bin"
    preview_cloud(run, geometry, SETTINGS)
    whole, cloud = path.read_bytes(), (run.path / "cloud.ply").read_bytes()
    path.write_bytes(whole[:-5] if damage is None else damage)
    preview_cloud(run, geometry, SETTINGS)
    assert (path.read_bytes(), (run.path / "cloud.ply").read_bytes()) == (whole, cloud)


def test_a_missing_page_is_one_sentence(run):
    run.page_path(1).unlink()
    with pytest.raises(StoreError, match="000001.laz is missing"):
        preview_cloud(run, read_run_geometry(run), SETTINGS)


def test_pages_more_than_points_keep_one_point_each(run):
    samples = run.path / "cloud" / "samples.bin"
    for _ in range(2):
        preview_module._update_samples(run, samples, 3, 2)
        assert preview_module._read_header(samples).count == 3
