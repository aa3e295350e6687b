"""`wayline explain`: why somebody is where she is."""

from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, RedisOption, examples


def add_to(app: typer.Typer) -> None:
    lines = (
        "wayline explain phone:13800138000",
        "wayline explain AN6nUQ5gVZ1L0Wq4c9dXyg --map cart --json",
    )
    app.command(epilog=examples(*lines))(explain)


def explain(
    whom: Annotated[str, typer.Argument(metavar="PROFILE|NAMESPACE:VALUE", show_default=False)],
    name: Annotated[
        str | None, typer.Option("--map", metavar="NAME", help="Only what concerns this map.")
    ] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Keys and values in full.")] = False,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Say why a person is where she is: what moved her, what did not and why, what would.

    Her records are folded again from the inbox. Values are masked unless --reveal.
    """
    import asyncio

    import orjson

    from console.connections import settings_for
    from console.explaining import as_json, as_text, explained

    found = asyncio.run(explained(settings_for(kafka, redis, prefix), whom, name, reveal=reveal))
    if json:
        print(orjson.dumps(as_json(found), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(as_text(found)))
