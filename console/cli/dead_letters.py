"""`wayline dlq ls|show|replay`: records that broke their contract."""

from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, examples

TopicOption = Annotated[
    str | None, typer.Option("--topic", help="Of the touchpoints. Default: all.")
]
CodeOption = Annotated[str | None, typer.Option("--code", help="Only this error code.")]

dlq = typer.Typer(help="Records that broke their contract.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(dlq, name="dlq")


@dlq.command("ls", epilog=examples("wayline dlq ls", "wayline dlq ls --code bad-time --json"))
def list_(
    topic: TopicOption = None,
    code: CodeOption = None,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """List dead letters: name, code, place and what is wrong."""
    import asyncio

    from console.connections import settings_for
    from console.dead_letters import print_list

    asyncio.run(print_list(settings_for(kafka, None, prefix), topic, code, json=json))


@dlq.command(epilog=examples("wayline dlq show touchpoints.dlq/17"))
def show(
    letter: Annotated[str, typer.Argument(help="As `ls` names it.", show_default=False)],
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Show one dead letter whole, as JSON: the record as it was sent, and the reason."""
    import asyncio

    from rich import print_json

    from console.connections import settings_for
    from console.dead_letters import one

    print_json(data=asyncio.run(one(settings_for(kafka, None, prefix), letter)).as_json())


@dlq.command(
    epilog=examples("wayline dlq replay touchpoints.dlq/17", "wayline dlq replay --code bad-time")
)
def replay(
    letter: Annotated[
        str | None, typer.Argument(help="As `ls` names it.", show_default=False)
    ] = None,
    topic: TopicOption = None,
    code: CodeOption = None,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Send dead letters again to where they came from: after a mapping was mended.

    The letters stay. What is still wrong becomes a dead letter once more.
    Some carry no value to send (a tombstone, a huge record): exit code 1.
    """
    import asyncio
    import sys

    import orjson

    from console.connections import settings_for
    from console.dead_letters import replay_chosen

    if letter is None and topic is None and code is None:
        raise typer.BadParameter("Name a letter, or choose some with --topic or --code.")
    settings = settings_for(kafka, None, prefix)
    done = asyncio.run(replay_chosen(settings, letter, topic, code))
    if json:
        print(orjson.dumps(done._asdict()).decode())
    else:
        print(f"{done.sent} sent again")
    if done.left_out:
        without = ", ".join(done.left_out)
        print(f"left out, for they carry no value: {without}", file=sys.stderr)
        raise typer.Exit(1)
