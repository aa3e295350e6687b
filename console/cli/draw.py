"""`wayline draw`: a map as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from console.cli.options import MapNameOption, OneMapPath, examples


def add_to(app: typer.Typer) -> None:
    lines = ("wayline draw shop/maps/cart.yaml", "wayline draw shop --map cart --svg cart.svg")
    app.command(epilog=examples(*lines))(draw)


def draw(
    path: OneMapPath,
    name: MapNameOption = None,
    svg: Annotated[
        Path | None,
        typer.Option("--svg", metavar="FILE", help="Drawn by Mermaid's `mmdc`, if it is on PATH."),
    ] = None,
) -> None:
    """Print a map as a Mermaid flowchart, which GitHub, GitLab and most wikis show as a picture."""
    from console.pictures import render, the_map
    from journeys.language.drawing import draw as drawn

    text = drawn(the_map(path, name))
    if svg is None:
        print(text, end="")
    else:
        render(text, svg)
