from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from da3_stream.errors import StoreError
from da3_stream.geometry import Sim3
from da3_stream.store import Georeference, Scene, SceneFile, Submap, create_run, pack_scene, unpack_scene
from da3_stream.store.scene import scene_from_json
from tests.worlds.street import street_scene

number = st.floats(-1e6, 1e6)
places = st.builds(Sim3.exp, arrays(np.float64, 7, elements=st.floats(-3, 3)))
submaps = st.builds(
    Submap,
    window=st.integers(0, 99),
    segment=st.integers(0, 9),
    frames=st.tuples(st.integers(0, 99), st.integers(100, 200)),
    world_from_window=places,
    previous=st.none() | st.integers(0, 9),
    previous_per_unit=st.floats(1e-3, 1e3),
)


@given(st.lists(submaps, max_size=4), st.floats(1e-6, 1e6))
def test_a_scene_comes_back_to_the_last_bit(tmp_path_factory, some, scale):
    path = tmp_path_factory.getbasetemp() / "scene.json"
    SceneFile(path).write(Scene("metres", scale, tuple(some)))
    assert_equal(scene_from_json(json.loads(path.read_text())), scale, some)


@given(st.lists(submaps, max_size=4), st.floats(1e-6, 1e6))
def test_a_packed_scene_comes_back_to_the_last_bit(some, scale):
    assert_equal(unpack_scene(pack_scene(Scene("metres", scale, tuple(some)))), scale, some)


def test_a_file_that_is_written_again_is_that_of_the_new_scene(tmp_path):
    scene = street_scene()
    moved = replace(scene.submaps[1], world_from_window=Sim3.identity())
    changed = replace(scene, submaps=(scene.submaps[0], moved, *scene.submaps[2:]))
    again, fresh = SceneFile(tmp_path / "again.json"), SceneFile(tmp_path / "fresh.json")
    for one in (scene, replace(scene, submaps=scene.submaps[:1]), changed):
        again.write(one)
    fresh.write(changed)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "fresh.json").read_bytes()


def assert_equal(back, scale, some):
    assert (back.units, back.scale, len(back.submaps)) == ("metres", scale, len(some))
    for a, b in zip(back.submaps, some, strict=True):
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
    bad = Submap(0, 0, (0, 1), Sim3(1.0, np.eye(3), np.full(3, np.nan)))
    with pytest.raises(StoreError, match="node 0 has no finite place"):
        run.write_scene(Scene(submaps=(bad,)))


@pytest.mark.parametrize("text", ["{}", '{"nodes": 3}', '{"units":"metres","scale":1,"nodes":[{}]}'])
def test_a_damaged_scene_is_one_sentence(tmp_path, text):
    run = create_run(tmp_path / "run")
    (run.path / "scene.json").write_text(text)
    with pytest.raises(StoreError, match="scene.json is damaged"):
        run.read_scene()


def placed(crs="EPSG:32632", scale=2.0, rotation=np.eye(3), translation=(5e5, 5.3e6, 300.0)):
    return Georeference(crs, Sim3(scale, rotation, translation))


@given(places, st.sampled_from(["EPSG:4978", 'PROJCRS["Ä"]']))
def test_a_georeference_comes_back_to_the_last_bit(tmp_path_factory, place, crs):
    path = tmp_path_factory.getbasetemp() / "georeferenced.json"
    scene = Scene("metres", 1.5, street_scene().submaps, Georeference(crs, place))
    SceneFile(path).write(scene)
    for back in (scene_from_json(json.loads(path.read_text())), unpack_scene(pack_scene(scene))):
        assert back.georeference.crs == crs
        np.testing.assert_array_equal(back.georeference.geographic_from_world.numbers(), place.numbers())


def test_a_run_that_is_not_located_says_null(tmp_path):
    run = create_run(tmp_path / "run")
    assert json.loads((run.path / "scene.json").read_text())["georeference"] is None
    assert run.read_scene().georeference is None and unpack_scene(pack_scene(Scene())).georeference is None


def test_a_scene_packed_before_there_were_georeferences_opens():
    packed = pack_scene(street_scene())
    del packed["georeference"]
    assert unpack_scene(packed).georeference is None


GOOD = {
    "crs": "EPSG:4978",
    "geographic_from_world": {"scale": 1, "rotation": np.eye(3).tolist(), "translation": [0] * 3},
}


@pytest.mark.parametrize(
    "tree",
    [
        3,
        [],
        {},
        {**GOOD, "crs": 32632},
        {**GOOD, "crs": " "},
        {"crs": "EPSG:4978"},
        *({**GOOD, "geographic_from_world": {**GOOD["geographic_from_world"], **bad}} for bad in (
            {"scale": 0}, {"scale": -1}, {"scale": None}, {"scale": "x"}, {"rotation": [[1, 0], [0, 1]]},
            {"rotation": (2 * np.eye(3)).tolist()}, {"rotation": np.diag([1, 1, -1]).tolist()},
            {"translation": [0, None, 0]}, {"translation": [0, 0]},
        )),
    ],
)  # fmt: skip
def test_a_malformed_georeference_is_one_sentence(tmp_path, tree):
    run = create_run(tmp_path / "run")
    scene = json.loads((run.path / "scene.json").read_text())
    (run.path / "scene.json").write_text(json.dumps({**scene, "georeference": GOOD}))
    assert run.read_scene().georeference is not None
    (run.path / "scene.json").write_text(json.dumps({**scene, "georeference": tree}))
    with pytest.raises(StoreError, match="georeference") as error:
        run.read_scene()
    assert "\n" not in str(error.value)


def test_a_scene_in_other_units_stays_where_it_is_on_the_earth():
    scene = replace(street_scene(scale=2.0), georeference=placed())
    metres = scene.in_metres(6.0)
    assert (metres.units, metres.scale) == ("metres", 6.0)
    point = np.array([1.0, 2.0, 3.0])  # in units of the world before its scale
    before = scene.georeference.geographic_from_world.apply(2 * point)
    np.testing.assert_allclose(metres.georeference.geographic_from_world.apply(6 * point), before)


@pytest.mark.parametrize(
    "damage",
    [{"scale": -1.0}, {"scale": None}, {"units": "feet"}, {"previous": []}, {"previous": {}}, {"pose": -1.0}],
    ids=str,
)
def test_a_scene_with_a_damaged_number_is_one_sentence(tmp_path, damage):
    run = create_run(tmp_path / "run")
    run.write_scene(street_scene())
    tree = json.loads((run.path / "scene.json").read_text())
    tree |= {name: value for name, value in damage.items() if name in tree}
    tree["nodes"][-1] |= {name: value for name, value in damage.items() if name == "previous"}
    tree["nodes"][-1]["world_from_window"]["scale"] = damage.get("pose", 1.0)
    (run.path / "scene.json").write_text(json.dumps(tree))
    with pytest.raises(StoreError, match="scene.json is damaged"):
        run.read_scene()
