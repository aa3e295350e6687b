"""`wayline import`: a file of touchpoints."""

from pathlib import Path
from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, RedisOption, examples


def add_to(app: typer.Typer) -> None:
    lines = (
        "wayline import touchpoints.jsonl.gz",
        "wayline import receipts.csv --workspace . --source till",
    )
    app.command("import", epilog=examples(*lines))(import_)


def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV or JSON lines, also gzipped.", show_default=False)
    ],
    source: Annotated[
        str | None, typer.Option(help="Of wayline.yaml. Default: the one with this file's name.")
    ] = None,
    workspace: Annotated[
        Path | None, typer.Option(help="The folder whose sources say what columns mean.")
    ] = None,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Import a file of touchpoints. Safe to run twice: equal rows are the same touchpoint.

    Refused rows are named with their line; then the exit code is 1.
    """
    import asyncio

    from rich.console import Console

    from console.connections import settings_for
    from console.importing import import_file, workspace_of

    if not file.is_file():
        raise typer.BadParameter(f"{file} is no file.", param_hint="FILE")
    settings, shown = settings_for(kafka, redis, prefix), Console(stderr=True)
    importing = import_file(settings, file, workspace_of(workspace), source, shown)
    done = asyncio.run(importing)
    if json:
        print(f'{{"sent": {done.sent}, "refused": {done.refused}}}')
    else:
        print(f"{done.sent:,} touchpoints sent, {done.refused:,} rows refused")
    if done.refused:
        raise typer.Exit(1)
