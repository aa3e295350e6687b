"""`wayline demo`: a year of a real shop through the whole pipeline."""

import sys
from typing import Annotated

import typer

from console.cli.options import KafkaOption, RedisOption, examples


def add_to(app: typer.Typer) -> None:
    lines = ("wayline demo", "wayline demo --kafka 127.0.0.1:9092 --redis redis://127.0.0.1:6379/0")
    app.command(epilog=examples(*lines))(demo)


def demo(
    workers: Annotated[int, typer.Option(min=1, max=12, help="Processes that share the work.")] = 1,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
) -> None:
    """Import a year of a real shop with its win-back maps, and count what came of it.

    Everything is embedded, or in a workspace named `demo` on the servers you
    name. The exit code is 1 if the counts are not those of the example.
    """
    from rich.console import Console

    from console.demonstration import demonstrate

    wrong = demonstrate(kafka, redis, workers, Console())
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        raise typer.Exit(1)
    print("All as expected.")
