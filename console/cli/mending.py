"""`wayline cursor set` and `wayline retry`: what an operator does after something halted."""

from typing import Annotated

import typer

from console.cli.options import KafkaOption, PrefixOption, RedisOption, examples

cursor = typer.Typer(help="How far each agent has published.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    cursor.command("set", epilog=examples("wayline cursor set fold-3 1042"))(set_)
    app.add_typer(cursor, name="cursor")
    app.command(epilog=examples("wayline retry phone:13800138000"))(retry)


def set_(
    name: Annotated[str, typer.Argument(help="As the worker names it: fold-3.")],
    position: Annotated[int, typer.Argument(min=0, help="The next offset to publish.")],
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Write a lost cursor by hand. Outputs before the position will not be published again."""
    import asyncio

    from console.connections import settings_for
    from console.mending import set_cursor

    asyncio.run(set_cursor(settings_for(kafka, None, prefix), name, position))
    print(f"{name} goes on from offset {position}. Restart the worker that halted.")


def retry(
    whom: Annotated[str, typer.Argument(metavar="PROFILE|NAMESPACE:VALUE", show_default=False)],
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Let the stuck instances of a person try again, once what made them fail is mended."""
    import asyncio

    from console.connections import settings_for
    from console.mending import retry as again

    profile = asyncio.run(again(settings_for(kafka, redis, prefix), whom))
    print(f"{profile} tries again.")
