"""Draws docs/architecture.svg: python docs/draw_architecture.py. Boxes are rooms and modules, their colours threads."""

from __future__ import annotations

from drawing import Drawing

WIDTH, HEIGHT = 1180, 860
READ, PREDICT, MAIN, FILE, LATER = "#e8f1fb", "#e6f5e6", "#fdf3e0", "#ffffff", "#f3ecf8"
LEFT, MIDDLE, RIGHT = 20, 400, 850  # of the three columns
LEFT_WIDTH, MIDDLE_WIDTH, RIGHT_WIDTH = 280, 340, 310
LEGEND = (
    (READ, "threads read-ahead and feed"),
    (PREDICT, "threads predict; sfm: processes"),
    (MAIN, "main thread"),
)


def box(d: Drawing, x: int, y: int, width: int, lines: list[str], fill: str, height: int = 52) -> None:
    """A box; the first line of a module is bold, files have a broken edge."""
    d.rectangle(x, y, width, height, fill, dashed=fill == FILE)
    first = y + height / 2 + 5 - 9 * (len(lines) - 1)
    for number, line in enumerate(lines):
        bold = number == 0 and fill != FILE
        d.text(x + width / 2, first + 18 * number, line, bold=bold, middle=True, size=14 if bold else 13)


def draw_reading(d: Drawing) -> None:
    """The left column: from the input to a predicted window."""
    d.text(LEFT, 24, "from the input to a predicted window", bold=True)
    rows = [
        (["input", "video, images, arrays, camera, stream"], FILE, ""),
        (["frames/sources", "open, select, decode, resize"], READ, "Frame"),
        (["frames/prefetch", "read ahead of the windows"], READ, "Frame"),
        (["frames/gate", "leave out what adds nothing"], READ, "Frame, left-out ones on it"),
        (["windows.py", "cut windows that share frames"], READ, "Window"),
        (["predictors/scheduler", "one window after the other, or several"], PREDICT, "frames"),
        (["predictors/sfm or predictors/da3", "depth and poses of one window"], PREDICT, ""),
    ]
    for number, (lines, fill, value) in enumerate(rows):
        y = 40 + 92 * number
        box(d, LEFT, y, LEFT_WIDTH, lines, fill)
        if number < len(rows) - 1:
            d.arrow([(LEFT + 140, y + 52), (LEFT + 140, y + 90)])
            d.text(LEFT + 150, y + 76, value, size=12)


def draw_steps(d: Drawing) -> None:
    """The middle and right columns: what is done with a predicted window, and what is written meanwhile."""
    d.text(MIDDLE, 24, "what a predicted window goes through", bold=True)
    d.text(RIGHT, 24, "what is written, in this order", bold=True)
    steps = [
        (["slam/splitting", "one part for each unbroken run of frames"], []),
        (["1  slam/chain: add_window", "stitching aligns on earlier submaps: Edge"], []),
        (["2  slam/scale_priors: observe_scale", "scale: camera height, metric model"], []),
        (["3  slam/submaps: store", "a submap's depth, cameras, images"], ["windows/N.npz"]),
        (["4  slam/loop_closing: close_loops", "loops finds, looks, refuses: LoopEdge"], ["places/descriptors.bin"]),
        (["5  slam/backend: optimize", "posegraph moves the submaps: Scene"], []),
        (["6  session/session: write", "points of the submap; the corrected scene"],
         ["cloud/N.laz, scene.json, trajectory.tum,", "journal.jsonl, run.json, cloud.ply (a preview)"]),
        (["7  session/checkpoint: commit", "from now on the window survives a kill"],
         ["resume/windows.jsonl, then resume/tip.npz"]),
    ]  # fmt: skip
    for number, (lines, files) in enumerate(steps):
        y = 40 + 80 * number
        box(d, MIDDLE, y, MIDDLE_WIDTH, lines, MAIN)
        if number < len(steps) - 1:
            d.arrow([(MIDDLE + 170, y + 52), (MIDDLE + 170, y + 78)])
        if files:
            box(d, RIGHT, y, RIGHT_WIDTH, files, FILE)
            d.arrow([(MIDDLE + MIDDLE_WIDTH, y + 26), (RIGHT - 2, y + 26)])


def draw_links(d: Drawing) -> None:
    """What goes between the columns."""
    right, half = LEFT + LEFT_WIDTH, (LEFT + LEFT_WIDTH + MIDDLE) // 2
    d.arrow([(right, 526), (half, 526), (half, 66), (MIDDLE - 2, 66)])
    d.add(
        f'<text transform="translate({half - 6} 300) rotate(-90)" font-size="12" text-anchor="middle">'
        "WindowPrediction: the Window and its WindowGeometry</text>"
    )
    d.arrow([(MIDDLE, 386), (half + 20, 386), (half + 20, 618), (right + 2, 618)], dashed=True)
    d.add(
        f'<text transform="translate({half + 34} 500) rotate(-90)" font-size="12" text-anchor="middle">'
        "predict_pair: two places together</text>"
    )


def draw_end(d: Drawing) -> None:
    """The last row: what is made of the stored submaps."""
    y = 724
    d.text(
        LEFT,
        y - 8,
        "the end of a run, and later: scene.json says where the submaps lie, the submaps hold depth and points",
        bold=True,
    )
    box(d, LEFT, y + 4, LEFT_WIDTH, ["session/outputs", "all that other tools read"], MAIN)
    box(d, MIDDLE, y + 4, MIDDLE_WIDTH, ["cloud/fuse", "pages placed by the scene, ghosts dropped"], MAIN)
    box(
        d,
        RIGHT,
        y + 4,
        RIGHT_WIDTH,
        ["cloud.ply, trajectory.*, camera_poses.txt,", "intrinsics.txt, overview.png, report.html"],
        FILE,
    )
    d.arrow([(LEFT + LEFT_WIDTH, y + 30), (MIDDLE - 2, y + 30)])
    d.arrow([(MIDDLE + MIDDLE_WIDTH, y + 30), (RIGHT - 2, y + 30)])
    box(d, LEFT, y + 72, LEFT_WIDTH + MIDDLE_WIDTH + MIDDLE - LEFT - LEFT_WIDTH,
        ["reconstruction.py, export, evaluation", "read the run directory through store, also while the run goes on"],
        LATER)  # fmt: skip
    for number, (fill, line) in enumerate(LEGEND):
        top = y + 70 + 19 * number
        d.add(f'<rect x="{RIGHT}" y="{top}" width="14" height="14" fill="{fill}" stroke="#444"/>')
        d.text(RIGHT + 22, top + 12, line, size=12)


def main() -> None:
    """Write the file."""
    drawing = Drawing(WIDTH, HEIGHT)
    for draw in (draw_reading, draw_steps, draw_links, draw_end):
        draw(drawing)
    drawing.save("architecture.svg")


if __name__ == "__main__":
    main()
