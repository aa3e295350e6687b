"""Options that several commands share, and how their examples are shown."""

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
JsonOption = Annotated[bool, typer.Option("--json", help="For scripts: JSON on stdout.")]


def examples(*lines: str) -> str:
    """The epilog of a command's help; each example stands on its own line."""
    shown = [f"[cyan]{line}[/cyan]" for line in lines]
    return "\n\n".join(["[bold]Examples[/bold]", *shown])
