"""`wayline check`: what is wrong with a workspace, before anything runs."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from console.cli.options import JsonOption, examples


class Format(StrEnum):
    """How problems are printed; `github` marks the lines of a pull request."""

    TEXT = "text"
    GITHUB = "github"


def add_to(app: typer.Typer) -> None:
    lines = ("wayline check .", "wayline check shop/ --json", "wayline check . --format github")
    app.command(epilog=examples(*lines))(check)


def check(
    folder: Annotated[Path, typer.Argument(help="Holds wayline.yaml.", show_default=False)],
    json: JsonOption = False,
    style: Annotated[Format, typer.Option("--format", help="Of the problems.")] = Format.TEXT,
) -> None:
    """Find every problem of a workspace: maps and their tests, templates, catalogue, settings."""
    from console.folders import read_documents
    from console.problems import as_github, as_lines, as_text
    from journeys.language.map_tests import read_tests
    from journeys.language.problems import MapError
    from journeys.language.workspace import compile_workspace
    from streams.identity_rules import check_identity

    printed = as_lines if json else as_github if style is Format.GITHUB else as_text
    to_people = printed is as_text
    documents = read_documents(folder)
    try:
        compiled = compile_workspace(documents)
        check_identity(documents)
        read_tests(compiled)
    except MapError as error:
        print(printed(error.problems, folder), file=sys.stderr if to_people else sys.stdout)
        raise typer.Exit(1) from None
    if json or compiled.warnings:
        print(printed(compiled.warnings, folder), file=sys.stderr if to_people else sys.stdout)
    if not json:
        names = ", ".join(f"{m.name} {m.version}" for m in compiled.maps)
        print(f"{folder}: {len(documents)} files, no problem. Maps: {names or 'none'}.")
