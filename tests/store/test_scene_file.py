from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_up import street_scene

from da3_stream.errors import StoreError
from da3_stream.geometry import Sim3
from da3_stream.store import Scene, SceneFile, SceneNode, create_run, pack_scene, unpack_scene
from da3_stream.store.scene import scene_from_json

number = st.floats(-1e6, 1e6)
places = st.builds(Sim3.exp, arrays(np.float64, 7, elements=st.floats(-3, 3)))
nodes = st.builds(
    SceneNode,
    window=st.integers(0, 99),
    segment=st.integers(0, 9),
    frames=st.tuples(st.integers(0, 99), st.integers(100, 200)),
    world_from_window=places,
    previous=st.none() | st.integers(0, 9),
    previous_per_unit=st.floats(1e-3, 1e3),
)


@given(st.lists(nodes, max_size=4), st.floats(1e-6, 1e6))
def test_a_scene_comes_back_to_the_last_bit(tmp_path_factory, some, scale):
    path = tmp_path_factory.getbasetemp() / "scene.json"
    SceneFile(path).write(Scene("metres", scale, tuple(some)))
    assert_equal(scene_from_json(json.loads(path.read_text())), scale, some)


@given(st.lists(nodes, max_size=4), st.floats(1e-6, 1e6))
def test_a_packed_scene_comes_back_to_the_last_bit(some, scale):
    assert_equal(unpack_scene(pack_scene(Scene("metres", scale, tuple(some)))), scale, some)


def test_a_file_that_is_written_again_is_that_of_the_new_scene(tmp_path):
    scene = street_scene()
    moved = replace(scene.nodes[1], world_from_window=Sim3.identity())
    changed = replace(scene, nodes=(scene.nodes[0], moved, *scene.nodes[2:]))
    again, fresh = SceneFile(tmp_path / "again.json"), SceneFile(tmp_path / "fresh.json")
    for one in (scene, replace(scene, nodes=scene.nodes[:1]), changed):
        again.write(one)
    fresh.write(changed)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "fresh.json").read_bytes()


def assert_equal(back, scale, some):
    assert (back.units, back.scale, len(back.nodes)) == ("metres", scale, len(some))
    for a, b in zip(back.nodes, some, strict=True):
        np.testing.assert_array_equal(a.world_from_window.matrix(), b.world_from_window.matrix())
        assert (a.window, a.segment, a.frames, a.previous) == (b.window, b.segment, b.frames, b.previous)
        assert (a.previous_per_unit, a.world_from_window.scale) == (b.previous_per_unit, b.world_from_window.scale)


def test_equal_scenes_have_equal_bytes(tmp_path):
    texts = []
    for name in "ab":
        run = create_run(tmp_path / name)
        run.write_scene(street_scene())
        texts.append((run.path / "scene.json").read_bytes())
    assert texts[0] == texts[1]


def test_a_place_that_is_not_finite_is_refused(tmp_path):
    run = create_run(tmp_path / "run")
    bad = SceneNode(0, 0, (0, 1), Sim3(1.0, np.eye(3), np.full(3, np.nan)))
    with pytest.raises(StoreError, match="node 0 has no finite place"):
        run.write_scene(Scene(nodes=(bad,)))


@pytest.mark.parametrize("text", ["{}", '{"nodes": 3}', '{"units":"metres","scale":1,"nodes":[{}]}'])
def test_a_damaged_scene_is_one_sentence(tmp_path, text):
    run = create_run(tmp_path / "run")
    (run.path / "scene.json").write_text(text)
    with pytest.raises(StoreError, match="scene.json is damaged"):
        run.read_scene()
