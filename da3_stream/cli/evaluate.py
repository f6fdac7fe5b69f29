"""The command `eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from .arguments import RunDir, Verbose
from .console import console


def evaluate(
    run_dir: RunDir,
    groundtruth: Annotated[Path, typer.Option(metavar="FILE", help="True trajectory.")],
    format: Annotated[Literal["kitti", "tum"] | None, typer.Option(help="Default: told from the file.")] = None,
    align: Annotated[
        Literal["sim3", "se3", "none"], typer.Option(help="What may be fitted before comparing.")
    ] = "sim3",
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: DIR/evaluation.json.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: DIR/evaluation.png.")] = None,
    depth_groundtruth: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="True depth maps, %06d.npy by source frame.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Rate of images without times, for a TUM truth.")] = None,
    verbose: Verbose = False,
) -> None:
    """Compare a run with its ground truth; its report.html shows the comparison, too."""
    from ..evaluation import evaluate, summary
    from ..report import write_report
    from ..store import open_run
    from ..store.files import json_page, write_text

    plot = plot or run_dir / "evaluation.png"
    with console(verbose):
        result = evaluate(
            run_dir, groundtruth, format=format, align=align, fps=fps, depth_groundtruth=depth_groundtruth, plot=plot
        )
        write_text(json or run_dir / "evaluation.json", json_page(result))
        if json is None:
            write_report(open_run(run_dir))
    typer.echo(summary(result))
