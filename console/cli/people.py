"""`wayline who` and `wayline show`: one person."""

from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, RedisOption, examples


def add_to(app: typer.Typer) -> None:
    app.command(epilog=examples("wayline who phone:13800138000"))(who)
    lines = ("wayline show phone:13800138000", "wayline show AN6nUQ5gVZ1L0Wq4c9dXyg --json")
    app.command(epilog=examples(*lines))(show)


def who(
    identifier: Annotated[str, typer.Argument(metavar="NAMESPACE:VALUE", show_default=False)],
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Say how an identifier is read, and which profile has it. Nobody: exit code 1."""
    import asyncio
    from dataclasses import asdict

    import orjson

    from console.connections import settings_for
    from console.people import who as find

    found = asyncio.run(find(settings_for(kafka, redis, prefix), identifier))
    if json:
        print(orjson.dumps(asdict(found)).decode())
    else:
        print(f"{found.normalised}  {found.token}  {found.profile or 'nobody'}")
    if found.profile is None:
        raise typer.Exit(1)


def show(
    whom: Annotated[str, typer.Argument(metavar="PROFILE|NAMESPACE:VALUE", show_default=False)],
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Identifiers and values in full.")
    ] = False,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Show a person: open instances, next timers, what stands at the gate, last touchpoints.

    What she could be recognised by is masked unless --reveal: identifiers,
    and in traits, properties and keys every text and every number of 7
    digits or more. The reason of a stuck instance stays.
    """
    import asyncio

    import orjson

    from console.connections import settings_for
    from console.people import as_json
    from console.people import show as read
    from console.portrait import print_person

    person = asyncio.run(read(settings_for(kafka, redis, prefix), whom))
    shown = as_json(person, reveal=reveal)
    if json:
        print(orjson.dumps(shown).decode())
    else:
        print_person(shown)
