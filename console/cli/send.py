"""`wayline send`: one touchpoint by hand."""

import sys
from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, RedisOption, examples

_Texts = list[str]


def add_to(app: typer.Typer) -> None:
    lines = (
        "wayline send --type order.paid --id phone=13800138000 --property amount=199",
        """wayline send '{"type": "cart.left", "identifiers": {"phone": "13800138000"}}'""",
        "cat touchpoints.jsonl | wayline send -",
    )
    app.command(epilog=examples(*lines))(send)


def send(
    touchpoint: Annotated[
        str | None, typer.Argument(help="JSON; - reads one a line from stdin.", show_default=False)
    ] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Such as order.paid.")] = None,
    identifiers: Annotated[
        _Texts | None, typer.Option("--id", metavar="NAME=VALUE", help="Who it was. Repeatable.")
    ] = None,
    properties: Annotated[
        _Texts | None, typer.Option("--property", metavar="NAME=VALUE", help="Repeatable.")
    ] = None,
    traits: Annotated[
        _Texts | None, typer.Option("--trait", metavar="NAME=VALUE", help="Repeatable.")
    ] = None,
    time: Annotated[str | None, typer.Option(help="RFC 3339 with a zone. Default: now.")] = None,
    channel: Annotated[str | None, typer.Option(help="Where it happened.")] = None,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Check a touchpoint as a worker would and put it on its topic; says its id."""
    import asyncio

    from console.connections import settings_for
    from console.sending import document
    from console.sending import send as send_all

    if (touchpoint is None) == (kind is None):
        raise typer.BadParameter("Give a touchpoint as JSON, or --type with --id; one of the two.")
    if kind is not None:
        further = {"time": time, "channel": channel}
        values = [document(kind, identifiers or (), properties or (), traits or (), further)]
    elif touchpoint == "-":
        values = [line for line in sys.stdin.buffer.read().splitlines() if line.strip()]
    else:
        values = [(touchpoint or "").encode()]
    for one in asyncio.run(send_all(settings_for(kafka, redis, prefix), values)):
        print(f'{{"id": "{one}"}}' if json else f"sent {one}")
