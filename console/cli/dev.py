"""`wayline dev`: everything embedded, for trying out."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from console.cli.options import examples


class Level(StrEnum):
    """How much the worker says."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def add_to(app: typer.Typer) -> None:
    lines = ("wayline dev", "wayline dev --workspace shop/ --no-traffic")
    app.command(epilog=examples(*lines))(dev)


def dev(
    workspace: Annotated[
        Path | None, typer.Option(help="To publish. Default: a small example.")
    ] = None,
    traffic: Annotated[bool, typer.Option(help="Touchpoints of a few invented people.")] = True,
    log_level: Annotated[Level, typer.Option(help="Of the worker.")] = Level.ERROR,
) -> None:
    """Start broker, Redis and a worker, all embedded, publish a workspace, show its actions.

    Other terminals find it without options. Ctrl-C ends it and leaves nothing behind.
    """
    from rich.console import Console

    from console.developing import develop
    from console.examples import example
    from console.folders import read_documents

    documents = read_documents(workspace or example("quickstart"))
    # The invented people do what the example's maps wait for.
    invented = traffic and workspace is None
    develop(documents, with_traffic=invented, level=log_level, out=Console())
