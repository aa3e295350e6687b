"""`wayline who` and `wayline show`: one person."""

from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, RedisOption, examples

if TYPE_CHECKING:
    from streams.settings import Settings


def add_to(app: typer.Typer) -> None:
    asked = (
        "wayline who phone:13800138000",
        "wayline who phone:13800138000 --why cookie:c-81f2",
    )
    app.command(epilog=examples(*asked))(who)
    lines = ("wayline show phone:13800138000", "wayline show AN6nUQ5gVZ1L0Wq4c9dXyg --json")
    app.command(epilog=examples(*lines))(show)


def who(
    identifier: Annotated[str, typer.Argument(metavar="NAMESPACE:VALUE", show_default=False)],
    why: Annotated[
        str | None,
        typer.Option(metavar="OTHER", help="How this and another identifier came together."),
    ] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="With --why: identifiers in full.")] = (
        False
    ),
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Say how an identifier is read, and which profile has it. Nobody: exit code 1.

    With --why: where the two began, and each merge between with the touchpoint that caused it;
    exit code 1 where they are not one person's.
    """
    import asyncio
    from dataclasses import asdict

    import orjson

    from console.connections import settings_for
    from console.people import who as find

    settings = settings_for(kafka, redis, prefix)
    if why is not None:
        _tell_why(settings, identifier, why, reveal=reveal, json=json)
        return
    found = asyncio.run(find(settings, identifier))
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


def _tell_why(
    settings: "Settings", identifier: str, other: str, *, reveal: bool, json: bool
) -> None:
    import asyncio

    import orjson

    from console.why import as_json, lines, why

    told = asyncio.run(why(settings, identifier, other))
    if json:
        print(orjson.dumps(as_json(told, reveal=reveal)).decode())
    else:
        print("\n".join(lines(told, reveal=reveal)))
    if told.profile is None:
        raise typer.Exit(1)
