"""`wayline topics create|verify`."""

from pathlib import Path
from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, RedisOption, examples

FolderArgument = Annotated[
    Path | None,
    typer.Argument(
        help="The workspace whose channels and sources need topics.", show_default=False
    ),
]
ShardsOption = Annotated[
    int, typer.Option(min=1, max=99, help="Partitions of the inbox; fixed for its life.")
]
ReplicationOption = Annotated[int, typer.Option(min=1, help="3 on a cluster of three or more.")]

topics = typer.Typer(help="The topics of a workspace.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(topics, name="topics")


@topics.command(
    epilog=examples("wayline topics create .", "wayline topics create . --replication 3 --print")
)
def create(
    folder: FolderArgument = None,
    shards: ShardsOption = 12,
    replication: ReplicationOption = 1,
    print_only: Annotated[
        bool, typer.Option("--print", help="Print kafka-topics.sh commands, make nothing.")
    ] = False,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Make what is missing of topics, cursors and first records. Safe to run twice.

    Where somebody else makes topics, hand over what --print prints, then run
    this all the same: it writes the first cursors and records.
    """
    import asyncio
    import sys
    from dataclasses import asdict

    import orjson

    from console import creating
    from console.connections import settings_for

    settings = settings_for(kafka, redis, prefix)
    wanted = creating.wanted_by(folder, shards, replication)
    if print_only:
        print("\n".join(creating.printed(settings, wanted)))
        return
    done = asyncio.run(creating.create(settings, wanted))
    if json:
        print(orjson.dumps(asdict(done)).decode())
    else:
        counts = f"{len(done.topics)} topics, {len(done.cursors)} cursors"
        print(f"{counts}, {len(done.shards)} shards made")
        for warning in done.warnings:
            print(warning, file=sys.stderr)
    if done.warnings:
        raise typer.Exit(1)


@topics.command(epilog=examples("wayline topics verify ."))
def verify(
    folder: FolderArgument = None,
    shards: ShardsOption = 12,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Say which topics are missing or not as they must be. Any: exit code 1."""
    import asyncio
    import sys

    import orjson

    from console import creating
    from console.connections import settings_for

    settings = settings_for(kafka, None, prefix)
    found = asyncio.run(creating.verify(settings, creating.wanted_by(folder, shards)))
    if json:
        print(orjson.dumps({"problems": found}).decode())
    elif found:
        print("\n".join(found), file=sys.stderr)
    else:
        print("All topics are as they must be.")
    if found:
        raise typer.Exit(1)
