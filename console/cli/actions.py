"""`wayline actions`: what the journeys asked the channels to do."""

from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, examples


def add_to(app: typer.Typer) -> None:
    lines = (
        "wayline actions",
        "wayline actions --channel sms --from-start --no-follow",
        "wayline actions --json --limit 1",
    )
    app.command(epilog=examples(*lines))(actions)


def actions(
    channel: Annotated[str | None, typer.Option(help="Only this one, such as sms.")] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="From the oldest kept, not from now.")
    ] = False,
    follow: Annotated[bool, typer.Option(help="Go on until Ctrl-C.")] = True,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many.")] = None,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Follow the action topics; shows only what was committed."""
    import asyncio
    from contextlib import suppress

    from console.connections import settings_for
    from console.following import print_actions

    printing = print_actions(
        settings_for(kafka, None, prefix),
        channel,
        from_start=from_start,
        follow=follow,
        limit=limit,
        json=json,
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(printing)
