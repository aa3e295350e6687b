"""`wayline start`: lets somebody into a map by hand."""

from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, RedisOption, examples

_Texts = list[str]


def add_to(app: typer.Typer) -> None:
    line = "wayline start cart-recovery --identifier phone=13800138000 --with cart=c-7"
    app.command(epilog=examples(line))(start)


def start(
    map_name: Annotated[str, typer.Argument(metavar="MAP", show_default=False)],
    identifiers: Annotated[
        _Texts,
        typer.Option("--identifier", "--id", metavar="NAME=VALUE", help="Who. Repeatable."),
    ],
    key: Annotated[str | None, typer.Option(help="For a map with a key of its own.")] = None,
    given: Annotated[
        _Texts | None,
        typer.Option("--with", metavar="NAME=VALUE", help="entry.NAME in the map. Repeatable."),
    ] = None,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Ask a map with a `request: true` entry to let somebody in; says the request's id."""
    import asyncio

    from console.connections import settings_for
    from console.requesting import start as ask

    settings = settings_for(kafka, redis, prefix)
    one = asyncio.run(ask(settings, map_name, identifiers, key, given or ()))
    print(f'{{"id": "{one}"}}' if json else f"asked {map_name} ({one})")
