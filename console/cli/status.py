"""`wayline status`: lag, watermark, shards, owners."""

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, RedisOption, examples


def add_to(app: typer.Typer) -> None:
    app.command(epilog=examples("wayline status", "wayline status --json"))(status)


def status(
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Show how far everything is, which maps are in force, and who works."""
    import asyncio
    from dataclasses import asdict

    import orjson
    from rich.console import Console

    from console.connections import settings_for
    from console.readings import read
    from console.standing import print_standing

    reading = asyncio.run(read(settings_for(kafka, redis, prefix)))
    if json:
        print(orjson.dumps({**asdict(reading), "lag": reading.lag}).decode())
    else:
        print_standing(reading, Console())
