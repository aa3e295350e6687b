"""`wayline recompute`: new computed traits, filled from the log."""

from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, RedisOption, examples


def add_to(app: typer.Typer) -> None:
    lines = ("wayline recompute orders_90d", "wayline recompute orders_90d spend_365d --json")
    app.command(epilog=examples(*lines))(recompute)


def recompute(
    traits: Annotated[list[str], typer.Argument(metavar="TRAIT...", show_default=False)],
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Fill computed traits with what happened before they were published, as far as the log goes.

    Workers may run meanwhile. Run twice it changes nothing more; it makes nobody enter a segment.
    """
    import asyncio

    import orjson
    from rich.console import Console

    from console.connections import settings_for
    from console.recounting import fill

    settings = settings_for(kafka, redis, prefix)
    done = asyncio.run(fill(settings, list(dict.fromkeys(traits)), Console(stderr=True)))
    if json:
        told = {"read": done.read, "figures": done.people, "whole": done.whole}
        print(orjson.dumps(told).decode())
        return
    print(f"{done.read:,} records read, {done.people:,} figures on their way to their people")
    if not done.whole:
        print("The log no longer has its beginning: what happened before it is not counted.")
