"""`wayline simulate`: one person in a map, step by step."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from console.cli.options import MapNameOption, OneMapPath, examples


def add_to(app: typer.Typer) -> None:
    lines = (
        "wayline simulate shop/maps/cart.yaml",
        "wayline simulate shop --map cart --script story.txt",
        "echo 'would' | wayline simulate shop/maps/cart.yaml",
    )
    app.command(epilog=examples(*lines))(simulate)


def simulate(
    path: OneMapPath,
    name: MapNameOption = None,
    script: Annotated[
        Path | None, typer.Option("--script", metavar="FILE", help="Lines, instead of a keyboard.")
    ] = None,
    day: Annotated[str, typer.Option("--date", help="When it begins, at nine.")] = "2026-01-05",
) -> None:
    """Walk one person through a map: touchpoints and time, line by line. Say `help` for the words.

    A line that is not understood ends a script with exit code 1; a keyboard may try again.
    """
    from console.simulating import Session, converse

    lines = sys.stdin if script is None else script.read_text().splitlines()
    talks = script is None and sys.stdin.isatty()
    converse(Session(path, name, day), lines, talks=talks)
