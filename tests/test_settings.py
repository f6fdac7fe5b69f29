"""Settings: defaults, presets, assignments, refusals."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.cli.options.export import EXPORT
from da3_stream.cli.options.run import RUN
from da3_stream.cli.options.table import Option
from da3_stream.errors import SettingsError
from da3_stream.export import options as export_options
from da3_stream.settings import (
    ModelSettings,
    Settings,
    base_yaml,
    load_settings,
    preset_names,
    read_preset,
    to_yaml,
)
from da3_stream.settings.quality import QUALITY, VALUES
from da3_stream.settings.validation import Stage


def test_base_yaml_is_what_the_defaults_say() -> None:
    shipped = (resources.files("da3_stream") / "configs" / "base.yaml").read_text()
    assert shipped == base_yaml(), "run `make configs`"
    assert load_settings("base") == Settings()


@pytest.mark.parametrize("name", ["dashcam", "drone", "handheld", "low_vram", "kitti", "tum"])
def test_every_preset_loads_and_changes_something(name: str) -> None:
    assert name in preset_names()
    assert load_settings(name) != Settings()


def test_a_preset_may_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("windows:\n  size: 30\n  overlap: 5\n")
    assert load_settings(str(file)).windows.size == 30


def test_later_ones_win(tmp_path: Path) -> None:
    settings = load_settings("low_vram", ["windows.size=40", "windows.size=50"], {"windows.overlap": 9})
    assert (settings.windows.size, settings.windows.overlap) == (50, 9)
    assert load_settings(None, ["cloud.voxel=0.1"], {"cloud.voxel": None}).cloud.voxel == 0.1


def test_balanced_is_what_the_defaults_say() -> None:
    assert load_settings(options={QUALITY: "balanced"}) == Settings()


@pytest.mark.parametrize("quality", ["fast", "best"])
def test_a_quality_is_values_of_settings(quality: str) -> None:
    settings = load_settings(options={QUALITY: quality})
    assert {name: value_of(settings, name) for name in VALUES} == {name: of[quality] for name, of in VALUES.items()}
    assert Settings.build({"model": {"quality": quality}}) == settings
    assert Settings(model=ModelSettings(quality=quality)) == settings  # type: ignore[arg-type]
    assert Settings.build(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize("name", VALUES)
def test_what_is_set_wins_over_the_quality_and_that_over_the_preset(name: str, tmp_path: Path) -> None:
    stage, _, key = name.partition(".")
    odd = next((value for value in VALUES[name].values() if value not in (VALUES[name]["fast"], None)), 640)
    text = yaml.safe_dump(odd).replace("...", "").strip()
    assert value_of(load_settings(None, [f"{name}={text}"], {QUALITY: "fast"}), name) == odd
    assert value_of(load_settings(None, ["model.quality=fast"], {name: odd}), name) == odd
    assert value_of(Settings.build({"model": {"quality": "fast"}, stage: {key: odd}}), name) == odd
    assert value_of(load_settings("base", (), {QUALITY: "fast"}), name) == VALUES[name]["fast"]
    (file := tmp_path / "mine.yaml").write_text(yaml.safe_dump({"model": {"quality": "fast"}, "frames": {"every": 2}}))
    assert value_of(load_settings(str(file)), name) == VALUES[name]["fast"]
    assert load_settings(str(file), (), {QUALITY: "balanced"}) == load_settings(None, ["frames.every=2"])


def value_of(settings: Settings, name: str) -> object:
    stage, _, key = name.partition(".")
    return getattr(getattr(settings, stage), key)


@pytest.mark.slow
@given(st.integers(2, 500), st.floats(0.001, 0.999), st.one_of(st.none(), st.floats(0.01, 1e3)), st.text("abcz.019_-"))
def test_settings_survive_yaml(size: int, voxel: float, fps: float | None, name: str) -> None:
    tree = {"windows": {"size": size}, "cloud": {"voxel": voxel}, "frames": {"fps": fps}, "model": {"name": name}}
    settings = Settings.build(tree)
    assert Settings.build(yaml.safe_load(to_yaml(settings))) == settings


@pytest.mark.parametrize(
    ("assignments", "sentence"),
    [
        (["windows.sise=3"], "unknown setting 'windows.sise': windows has size, overlap"),
        (["window.size=3"], "unknown setting 'window': the stages are frames, camera, windows"),
        (["windows.size=many"], "setting 'windows.size' cannot be 'many'"),
        (["windows.size=2.5"], "setting 'windows.size' cannot be 2.5"),
        (["windows.size=true"], "setting 'windows.size' cannot be True"),
        (["windows.size=10", "windows.overlap=10"], "overlap (10) must be below size (10)"),
        (["model.quality=superb"], "setting 'model.quality' cannot be 'superb'"),
        (["model.quality=[fast]"], "setting 'model.quality' cannot be ['fast']"),
        (["windows.overlap=0"], "greater than or equal to 1"),
        (["cloud.voxel=.nan"], "setting 'cloud.voxel' cannot be nan"),
        (["camera.intrinsics=[500, 500, 320]"], "setting camera.intrinsics: intrinsics must be four finite numbers"),
        (["camera.intrinsics=[-1, 500, 320, 240]"], "four finite numbers fx, fy, cx, cy with fx, fy > 0"),
        (["windows"], "--set takes stage.key=value"),
        (["windows.size"], "--set takes stage.key=value"),
        (["windows.size=[1"], "is not valid YAML"),
    ],
)
def test_what_cannot_be_is_refused_by_name(assignments: list[str], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, assignments)
    assert sentence in str(caught.value)


def test_a_preset_must_hold_stages(tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    for text, sentence in (("- 1", "must hold stages"), ("windows: 3", "must hold stages"), ("a: [", "not valid YAML")):
        file.write_text(text)
        with pytest.raises(SettingsError, match=sentence):
            read_preset(str(file))
    file.write_text("")
    assert read_preset(str(file)) == {}


@pytest.mark.parametrize(
    ("text", "value"), [("auto", "auto"), ("off", "off"), ("constant", "constant"), ("1.65", 1.65), ("2", 2.0)]
)
def test_the_cameras_height_is_a_word_or_metres(text: str, value: str | float) -> None:
    height = load_settings(assignments=[f"scale.camera_height={text}"]).scale.camera_height
    assert height == value
    assert load_settings(options={"scale.camera_height": text}).scale.camera_height == value
    assert type(height) is type(value)


def test_loops_are_switched_off_by_a_bare_word() -> None:
    assert load_settings(assignments=["loops.descriptor=off"]).loops.descriptor == "off"


@pytest.mark.parametrize("text", ["on", "-1", "0", ".nan", ".inf", "tall", "[1]"])
def test_another_camera_height_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="expected auto, off, constant or the camera's height in metres"):
        load_settings(assignments=[f"scale.camera_height={text}"])


@pytest.mark.parametrize("other", ["factor", "path_length_m"])
def test_metres_come_from_one_place(other: str) -> None:
    both = ["scale.camera_height=1.65", f"scale.{other}=2.0"]
    with pytest.raises(SettingsError, match=f"{other} and camera_height both set the scale"):
        load_settings(assignments=both)
    load_settings(assignments=["scale.camera_height=constant", f"scale.{other}=2.0"])


@pytest.mark.parametrize(("text", "value"), [("off", "off"), ("auto", "auto"), ("null", None)])
def test_the_gate_is_a_word_or_open(text: str, value: str | None) -> None:
    assert load_settings(assignments=[f"frames.gate={text}"]).frames.gate == value


def test_fusion_is_switched_off_by_a_bare_word() -> None:
    assert load_settings(assignments=["cloud.fusion=off"]).cloud.fusion == "off"


@pytest.mark.parametrize(("given", "value"), [("auto", "auto"), ("7.5", 7.5), (10, 10.0), (None, None)])
def test_fps_is_a_number_or_auto(given: object, value: object) -> None:
    assert load_settings(options={"frames.fps": given}).frames.fps == value


@pytest.mark.parametrize("option", RUN, ids=lambda option: option.name)
def test_every_option_of_run_is_for_a_setting(option: Option) -> None:
    stage, _, key = option.target.partition(".")
    assert key in Settings.model_fields[stage].annotation.model_fields


@pytest.mark.parametrize("option", EXPORT, ids=lambda option: option.name)
def test_every_option_of_export_is_one_of_a_format(option: Option) -> None:
    formats = [row for row in vars(export_options).values() if isinstance(row, type) and issubclass(row, Stage)]
    assert any(option.target in row.model_fields for row in formats)
