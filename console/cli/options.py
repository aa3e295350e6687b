"""Options that several commands share, and how their examples are shown."""

from pathlib import Path
from typing import Annotated

import typer

KafkaOption = Annotated[
    str | None,
    typer.Option("--kafka", metavar="HOST:PORT", help="Instead of WAYLINE_KAFKA__BOOTSTRAP."),
]
RedisOption = Annotated[
    str | None, typer.Option("--redis", metavar="URL", help="Instead of WAYLINE_REDIS__URL.")
]
PrefixOption = Annotated[
    str | None, typer.Option("--prefix", metavar="WORKSPACE", help="Instead of WAYLINE_PREFIX.")
]
OneMapPath = Annotated[
    Path, typer.Argument(help="A map in a workspace, or the workspace.", show_default=False)
]
MapNameOption = Annotated[
    str | None, typer.Option("--map", metavar="NAME", help="Which, of a workspace with several.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="For scripts: JSON on stdout.")]


def examples(*lines: str) -> str:
    """The epilog of a command's help; each example stands on its own line."""
    shown = [f"[cyan]{line}[/cyan]" for line in lines]
    return "\n\n".join(["[bold]Examples[/bold]", *shown])
