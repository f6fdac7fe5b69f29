"""Pictures keep their names in exports: below the input's folder, on every system, no two the same."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path, PurePosixPath

import numpy as np
import pycolmap
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.export.exporting import export_run
from da3_stream.export.images.names import frame_names, relative_names, unique_names
from da3_stream.frames.sources.images.files import natural_key
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import Run, RunReader
from tests.worlds.gated_run import COUNT, WITH_DEPTH, gated_run

NAMES = [f"{side}/IMG {number}.png" for side in ("left", "right") for number in range(95, 95 + COUNT // 2)]


def named_run(path: Path, names: list[str], swing: float = 0.0) -> Run:
    """A run whose input's pictures have these names, which are in natural order."""
    assert sorted(names, key=lambda name: natural_key(Path(name))) == names and len(names) == COUNT
    run = gated_run(path, swing=swing)
    for old, name in zip(sorted((path / "input").iterdir()), names, strict=True):
        (path / "input" / name).parent.mkdir(exist_ok=True)
        old.rename(path / "input" / name)
    folders = sorted({str((path / "input" / name).parent) for name in names})
    run.write_status({**run.read_status(), "input": {**run.read_status()["input"], "paths": folders}})
    return run


def listed(folder: Path) -> list[dict[str, str]]:
    with open(folder / "frames.csv", newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["in/a/1.jpg", "in/b/1.jpg"], ["a/1.jpg", "b/1.jpg"]),
        (["in/a/1.jpg", "in/a/2.jpg"], ["1.jpg", "2.jpg"]),
        (["in/1.jpg", "in/a/1.jpg"], ["1.jpg", "a/1.jpg"]),
        (["1.jpg", "2.jpg"], ["1.jpg", "2.jpg"]),
        (["a/1.jpg", "b/1.jpg"], ["a/1.jpg", "b/1.jpg"]),
        (["/x/a/1.jpg", "/y/1.jpg"], ["x/a/1.jpg", "y/1.jpg"]),
        (["a/1.jpg", "/y/1.jpg"], ["a/1.jpg", "y/1.jpg"]),
        (["../in/a/1.jpg", "../in/./2.jpg"], ["a/1.jpg", "2.jpg"]),
        (["in/1.jpg"], ["1.jpg"]),
    ],
)
def test_names_are_those_below_the_folder_that_pictures_share(paths, names):
    assert relative_names(paths) == names


@pytest.mark.parametrize(
    ("paths", "pictures", "maps"),
    [
        (["a.jpg", "b.JPG"], ["a.jpg", "b.JPG"], ["a.exr", "b.exr"]),
        (["a.jpg", "a.tif"], ["a.jpg", "a.tif.jpg"], ["a.jpg.exr", "a.tif.exr"]),
        (["a.jpg", "A.jpg"], ["a.jpg", "A_2.jpg"], ["a.exr", "A_2.exr"]),
        (["a.jpg", "A.jpg", "a_2.jpg"], ["a.jpg", "A_3.jpg", "a_2.jpg"], ["a.exr", "A_3.exr", "a_2.exr"]),
        (
            ["a.tif", "a.jpg.tif", "a.jpg"],
            ["a.tif.jpg", "a.jpg.jpg", "a.jpg"],
            ["a.tif.exr", "a.jpg.exr", "a_2.jpg.exr"],
        ),
        (["x/a.jpg", "y/a.tif"], ["x/a.jpg", "y/a.jpg"], ["x/a.exr", "y/a.exr"]),
        (["a.tif", "a.jpg/b.jpg"], ["a.tif.jpg", "a.jpg/b.jpg"], ["a.tif.exr", "a.jpg/b.exr"]),
        (["caf\u00e9.jpg", "cafe\u0301.jpg"], ["caf\u00e9.jpg", "cafe\u0301_2.jpg"], ["caf\u00e9.exr", "x"]),
    ],
)
def test_what_would_be_taken_twice_is_told_apart(paths, pictures, maps):
    names = unique_names(paths)
    assert [name.encoded("jpg") for name in names] == pictures
    assert all(name.encoded("exr") == said for name, said in zip(names, maps, strict=True) if said != "x")


PARTS = st.text("aA.\u00e9e\u0301_2", min_size=1, max_size=4).filter(lambda part: set(part) != {"."})
PATHS = st.builds(
    "{}{}.{}".format, st.sampled_from(["", "a/", "A.jpg/"]), PARTS, st.sampled_from(["jpg", "tif", "JPG"])
)


@given(st.lists(PATHS, min_size=1, max_size=8, unique=True))
def test_no_two_pictures_or_maps_have_one_name_on_any_system(paths):
    names = unique_names(paths)
    for encodings in (["jpg"] * len(paths), ["exr"] * len(paths), [PurePosixPath(p).suffix[1:].lower() for p in paths]):
        files = [n.encoded(e) for n, e in zip(names, encodings, strict=True)]
        assert len({unicodedata.normalize("NFC", file).casefold() for file in files}) == len(paths)


def test_names_that_no_other_system_can_have_are_changed_and_told(tmp_path, caplog):
    odd = {
        "a:b?.png": "a_b_.png",
        "aux.png": "_aux.png",
        "b .": "b _",
        "b\nc.png": "b_c.png",
        "x" * 240 + ".png": "x" * 226 + ".png",
    }
    names = sorted([*odd, *NAMES[: COUNT - len(odd)]], key=lambda name: natural_key(Path(name)))
    run = named_run(tmp_path, [name if name != "b ." else "b ./1.png" for name in names])
    found = frame_names(RunReader.open(run.path))
    assert {found[k].name for k in range(COUNT)} >= {*odd.values()} - {"b _"} | {"b _/1.png"}
    assert len(found.renamed) == len(odd)
    assert "not possible on every system, are others here: 5, the first a_b_.png for a:b?.png" in caplog.text


def test_a_possible_name_is_not_lost_to_one_that_is_not(tmp_path):
    """a:b.png comes first, and would be a_b.png, too."""
    names = ["a:b.png", "a_b.png", *(f"c{number}.png" for number in range(COUNT - 2))]
    run = named_run(tmp_path / "run", sorted(names, key=lambda name: natural_key(Path(name))))
    found = frame_names(RunReader.open(run.path))
    assert {old: new for old, new in found.renamed} == {"a:b.png": "a_b_2.png"}


@pytest.mark.slow
def test_a_name_that_is_no_text_is_written_all_the_same(tmp_path):
    run = gated_run(tmp_path)
    (tmp_path / "input" / "000.png").rename(tmp_path / "input" / b"0\xe9.png".decode("utf-8", "surrogateescape"))
    folder, _ = export_run(run.path, "colmap", tmp_path / "c")
    assert (folder / "images" / "0_.png").is_file() and listed(folder)[0]["file"] == "images/0_.png"


@pytest.mark.slow
@pytest.mark.parametrize("form", ["colmap", "3dgs", "nerfstudio", "depth", "depth_vis"])
def test_every_folder_lists_its_files_beside_those_of_the_input(tmp_path, form):
    run = named_run(tmp_path, NAMES)
    folder, _ = export_run(run.path, form, tmp_path / "out", {"frames": "2:21", "every": 2})
    rows = listed(folder)
    assert list(rows[0])[:3] == ["file", "row", "source"] and len(rows) == len({row["file"] for row in rows}) >= 9
    for row in rows:
        index = int(row["row"])
        assert (folder / row["file"]).is_file() and row["source"] == str(tmp_path / "input" / NAMES[index])
        stem = PurePosixPath(row["file"]).with_suffix("").as_posix()
        assert stem.endswith(NAMES[index].removesuffix(".png")) and float(row["time_s"]) == index / 10


@pytest.mark.slow
def test_pictures_keep_names_and_folders_and_are_the_input_s_own(tmp_path):
    run = named_run(tmp_path, NAMES)
    folder, _ = export_run(run.path, "colmap", tmp_path / "c")
    model = pycolmap.Reconstruction(str(folder / "sparse" / "0"))
    assert [model.image(k + 1).name for k in range(12)] == [NAMES[index] for index in WITH_DEPTH]
    for index in WITH_DEPTH:
        assert (folder / "images" / NAMES[index]).samefile(tmp_path / "input" / NAMES[index])
    found = json.loads((export_run(run.path, "nerfstudio", tmp_path / "n").path / "transforms.json").read_text())
    assert [frame["file_path"] for frame in found["frames"]] == [f"images/{NAMES[index]}" for index in WITH_DEPTH]


def test_text_files_of_colmap_have_names_that_its_reader_takes(tmp_path):
    run = named_run(tmp_path, NAMES)
    folder, _ = export_run(run.path, "colmap", tmp_path / "c", {"text": True})
    model = pycolmap.Reconstruction(str(folder / "sparse" / "0"))
    assert {image.name for image in model.images.values()} == {NAMES[k].replace(" ", "_") for k in WITH_DEPTH}
    assert all((folder / "images" / image.name).is_file() for image in model.images.values())


def test_the_aligner_of_colmap_joins_the_right_pictures_by_their_own_names(tmp_path):
    run = named_run(tmp_path, NAMES, swing=4.0)
    folder, _ = export_run(run.path, "colmap", tmp_path / "c")
    model = pycolmap.Reconstruction(str(folder / "sparse" / "0"))
    rec = Reconstruction(run.path)
    places = 3.0 * rec.world_from_camera[WITH_DEPTH, :3, 3] @ [[0, 1, 0], [-1, 0, 0], [0, 0, 1]] + [500, -7, 30]
    places += np.random.default_rng(0).normal(scale=0.01, size=places.shape)
    names = [NAMES[index] for index in WITH_DEPTH]
    found = pycolmap.align_reconstruction_to_locations(model, names, places, 3, pycolmap.RANSACOptions(max_error=0.2))
    assert found is not None and found.scale == pytest.approx(3.0, rel=0.01)
    model.transform(found)
    for name, place in zip(names, places, strict=True):
        assert np.linalg.norm(model.find_image_with_name(name).projection_center() - place) < 0.05


def test_a_run_that_lost_its_input_keeps_the_names_that_it_knows(tmp_path, caplog):
    run = named_run(tmp_path, NAMES)
    numbers = "\n".join(f"{k},{tmp_path}/input/{NAMES[k]},0,{k / 10},OK,0,1" for k in range(COUNT))
    for name in NAMES:
        (tmp_path / "input" / name).unlink()
    numbered, _ = export_run(run.path, "depth", tmp_path / "numbered")
    assert listed(numbered)[1]["file"] == "depth/000002.tiff" and "they are numbered" in caplog.text
    (run.path / "frames.csv").write_text(f"row,source,source_index,time_s,status,segment,confidence\n{numbers}\n")
    named, _ = export_run(run.path, "depth", tmp_path / "named")
    assert [row["file"] for row in listed(named)] == [f"depth/{NAMES[k][:-4]}.tiff" for k in WITH_DEPTH]


def test_frames_of_videos_are_numbered_and_frames_csv_tells_whose_they_are(tmp_path):
    run = gated_run(tmp_path)
    run.write_status({**run.read_status(), "input": {**run.read_status()["input"], "kind": "video"}})
    numbers = "\n".join(f"{k},{'one' if k < 10 else 'two'}.mp4,{k % 10},{k / 10},OK,0,1" for k in range(COUNT))
    (run.path / "frames.csv").write_text(f"row,source,source_index,time_s,status,segment,confidence\n{numbers}\n")
    rows = listed(export_run(run.path, "depth", tmp_path / "d").path)
    assert [row["file"] for row in rows] == [f"depth/{k:06d}.tiff" for k in WITH_DEPTH]
    assert [(row["source"], row["source_index"]) for row in rows][5:7] == [("two.mp4", "0"), ("two.mp4", "2")]
