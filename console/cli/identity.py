"""`wayline identity`: how identifiers are stitched to people."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from console.cli.options import JsonOption, RedisOption, examples


class Port(StrEnum):
    """Where the cases run."""

    memory = "memory"
    redis = "redis"


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        name="identity",
        help="How identifiers are stitched to people.",
        no_args_is_help=True,
        rich_markup_mode="rich",
    )
    # Without a callback Typer would take a single command for the group itself.
    group.callback()(_group)
    lines = (
        "wayline identity test cases.yaml",
        "wayline identity test cases.yaml --port redis --redis redis://localhost:6379/9",
        "wayline identity test cases.yaml --case kiosk --case 'parallel-*'",
    )
    group.command("test", epilog=examples(*lines))(run_cases)
    app.add_typer(group)


def _group() -> None:
    """How identifiers are stitched to people."""


def run_cases(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    port: Annotated[Port, typer.Option(help="The store the cases run on.")] = Port.memory,
    case: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only these; * stands for any text.")
    ] = None,
    interleavings: Annotated[
        int, typer.Option(min=1, help="In how many orders concurrent workers call the store.")
    ] = 20,
    redis: RedisOption = None,
    json: JsonOption = False,
) -> None:
    """Run conformance cases of the stitching rules; nothing of a workspace is read or written.

    Each case also runs with its identifiers reversed and its last event delivered twice; one with
    concurrent workers in many interleavings, and with a crash at every step.
    Exit code 1: a case fails; 2: the file cannot be read, or there is no Redis.
    """
    import asyncio
    from dataclasses import asdict

    import orjson

    from console.identity_report import print_report, run_file

    report = asyncio.run(run_file(file, port, case or [], interleavings, redis))
    if json:
        print(orjson.dumps(asdict(report)).decode())
    else:
        print_report(report)
    if report.failures:
        raise typer.Exit(1)
