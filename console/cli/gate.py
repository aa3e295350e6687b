"""`wayline hold` and `wayline release`: the gate all actions pass."""

from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, examples


def add_to(app: typer.Typer) -> None:
    app.command(epilog=examples("wayline hold --reason 'wrong price in the template'"))(hold)
    app.command(epilog=examples("wayline release"))(release)


def hold(
    reason: Annotated[str, typer.Option(help="Why; `status` shows it.")] = "",
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Let no action leave from now on. People still move; held actions are judged anew later."""
    import asyncio

    import orjson

    from console.connections import settings_for
    from console.gate import hold as shut

    count = asyncio.run(shut(settings_for(kafka, None, prefix), reason))
    if json:
        print(orjson.dumps({"held": True, "shards": count, "reason": reason}).decode())
        return
    print(f"held: no action leaves {count} shards. `wayline release` opens the gate again.")


def release(
    json: JsonOption = False, kafka: KafkaOption = None, prefix: PrefixOption = None
) -> None:
    """Open the gate; each held action is judged anew (expired ones do not leave)."""
    import asyncio

    import orjson

    from console.connections import settings_for
    from console.gate import release as open_again

    count = asyncio.run(open_again(settings_for(kafka, None, prefix)))
    if json:
        print(orjson.dumps({"held": False, "shards": count}).decode())
        return
    print(f"released: actions leave {count} shards again.")
