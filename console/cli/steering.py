"""`wayline pause`, `resume`, `drain` and `stop`: one map at a time."""

from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, examples

MapArgument = Annotated[str, typer.Argument(metavar="MAP", show_default=False)]


def add_to(app: typer.Typer) -> None:
    lines = ("wayline pause cart-recovery", "wayline pause cart-recovery --max-staleness 24h")
    app.command(epilog=examples(*lines))(pause)
    app.command(epilog=examples("wayline resume cart-recovery"))(resume)
    app.command(epilog=examples("wayline drain cart-recovery"))(drain)
    app.command(epilog=examples("wayline stop cart-recovery"))(stop)


def pause(
    map_name: MapArgument,
    discard: Annotated[
        bool, typer.Option("--discard", help="Withhold what would leave, instead of holding it.")
    ] = False,
    max_staleness: Annotated[
        str, typer.Option(help="Held longer after it was due, it does not leave any more: 24h.")
    ] = "",
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Let nothing leave that the map sends. People go on through it, up to what is held."""
    import asyncio

    from console.connections import settings_for
    from console.steering import pause as shut

    settings = settings_for(kafka, None, prefix)
    count = asyncio.run(shut(settings, map_name, discard=discard, max_staleness=max_staleness))
    what = "is withheld" if discard else "is held; `wayline resume` judges it anew"
    _say(json, map_name, "paused", count, f"what it sends in {count} shards {what}.")


def resume(
    map_name: MapArgument,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Let the map send again, and let people in; what was held is judged anew, in order."""
    import asyncio

    from console.connections import settings_for
    from console.steering import resume as open_again

    count = asyncio.run(open_again(settings_for(kafka, None, prefix), map_name))
    _say(json, map_name, "resumed", count, f"it sends and lets people in, in {count} shards.")


def drain(
    map_name: MapArgument,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Let nobody in any more; those who are in the map go on to its end."""
    import asyncio

    from console.connections import settings_for
    from console.steering import drain as close

    count = asyncio.run(close(settings_for(kafka, None, prefix), map_name))
    _say(json, map_name, "draining", count, f"nobody enters it in {count} shards any more.")


def stop(
    map_name: MapArgument,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """End everybody who is in the map, as `stopped`; only a new version lets people in again."""
    import asyncio

    from console.connections import settings_for
    from console.steering import stop as end

    count = asyncio.run(end(settings_for(kafka, None, prefix), map_name))
    _say(json, map_name, "stopped", count, f"nobody is in it in {count} shards any more.")


def _say(json: bool, map_name: str, state: str, shards: int, words: str) -> None:
    import orjson

    if json:
        print(orjson.dumps({"map": map_name, "state": state, "shards": shards}).decode())
    else:
        print(f"{state}: {map_name}; {words}")
