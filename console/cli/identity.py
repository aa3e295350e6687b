"""`wayline identity`: how identifiers are stitched to people."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from console.cli import rehearse
from console.cli.options import (
    JsonOption,
    KafkaOption,
    PrefixOption,
    RedisOption,
    examples,
)

One = Annotated[str, typer.Argument(metavar="NAMESPACE:VALUE", show_default=False)]
Some = Annotated[list[str], typer.Argument(metavar="NAMESPACE:VALUE...", show_default=False)]


class Port(StrEnum):
    """Where the cases run."""

    memory = "memory"
    redis = "redis"


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        name="identity",
        help="How identifiers are stitched to people.",
        no_args_is_help=True,
        rich_markup_mode="rich",
    )
    # Without a callback Typer would take a single command for the group itself.
    group.callback()(_group)
    lines = (
        "wayline identity test cases.yaml",
        "wayline identity test cases.yaml --port redis --redis redis://localhost:6379/9",
        "wayline identity test cases.yaml --case kiosk --case 'parallel-*'",
    )
    group.command("test", epilog=examples(*lines))(run_cases)
    group.command(epilog=examples(*rehearse.LINES))(rehearse.rehearse)
    group.command(epilog=examples("wayline identity unbind phone:13800138000"))(unbind)
    asked = "wayline identity erase customer_id:17 --yes"
    group.command(epilog=examples(asked, f"{asked} --wait 60", f"{asked[:-6]} --dry-run"))(erase)
    group.command(epilog=examples("wayline identity erased", "wayline identity erased --json"))(
        erased
    )
    group.command(epilog=examples("wayline identity split email:a@example.com"))(split)
    group.command(epilog=examples("wayline identity merge customer_id:17 customer_id:71"))(merge)
    group.command(epilog=examples("wayline identity unshare device_id:tablet-7"))(unshare)
    app.add_typer(group)


def _group() -> None:
    """How identifiers are stitched to people."""


def run_cases(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    port: Annotated[Port, typer.Option(help="The store the cases run on.")] = Port.memory,
    case: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only these; * stands for any text.")
    ] = None,
    interleavings: Annotated[
        int, typer.Option(min=1, help="In how many orders concurrent workers call the store.")
    ] = 20,
    redis: RedisOption = None,
    json: JsonOption = False,
) -> None:
    """Run conformance cases of the stitching rules; nothing of a workspace is read or written.

    Each case also runs with its identifiers reversed and its last event delivered twice; one with
    concurrent workers in many interleavings, and with a crash at every step.
    Exit code 1: a case fails; 2: the file cannot be read, or there is no Redis.
    """
    import asyncio
    from dataclasses import asdict

    import orjson

    from console.identity_report import print_report, run_file

    report = asyncio.run(run_file(file, port, case or [], interleavings, redis))
    if json:
        print(orjson.dumps(asdict(report)).decode())
    else:
        print_report(report)
    if report.failures:
        raise typer.Exit(1)


def unbind(
    identifiers: Some,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Take identifiers from whom they belong to; seen alone, they begin somebody new.

    Touchpoints from before now that arrive late do not link them again.
    """
    _ask("unbind", identifiers, kafka, redis, prefix)


def erase(
    identifier: One,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be forgotten; send nothing.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Return once every shard has done it.")
    ] = 0,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Forget a person: her profile, her journeys, and whose her identifiers were.

    What she does from now on begins somebody new, and what is dated before never counts again.
    Who has no identifiers any more is named by profile:ID.
    Topics keep what they hold until it is as old as they keep anything.
    Exit code 2: no report came in time.
    """
    import asyncio

    from console import erasures
    from console.connections import settings_for

    value = _request("erase", [identifier])
    if dry_run:
        print(asyncio.run(erasures.what_would_go(settings_for(kafka, redis, prefix), identifier)))
        return
    if not yes:
        typer.confirm(f"Forget the person of {identifier}, for ever?", abort=True)
    sent, report = asyncio.run(erasures.erase(settings_for(kafka, redis, prefix), value, wait))
    print(f"sent {sent}: erase {identifier}")
    if report is not None:
        print(f"erased {erasures.line(report)}")


def erased(
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
    json: JsonOption = False,
) -> None:
    """List the erasures that every shard has done, as long as their topic keeps them."""
    import asyncio
    from dataclasses import asdict

    import orjson

    from console.connections import settings_for
    from console.erasures import all_reports, line

    for report in asyncio.run(all_reports(settings_for(kafka, None, prefix))):
        print(orjson.dumps(asdict(report)).decode() if json else line(report))


def split(
    identifiers: Some,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Give identifiers of one person a profile of their own; the two never merge by themselves."""
    _ask("split", identifiers, kafka, redis, prefix)


def merge(
    identifiers: Some,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Make the profiles of these identifiers one, whatever limits and splits say.

    Known before unknown, then the oldest survives.
    """
    if len(identifiers) < 2:
        raise typer.BadParameter("Name an identifier of each profile, two at least.")
    _ask("merge", identifiers, kafka, redis, prefix)


def unshare(
    identifiers: Some,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Let devices that too many people used belong to somebody again."""
    _ask("unshare", identifiers, kafka, redis, prefix)


def _ask(
    kind: str, identifiers: list[str], kafka: str | None, redis: str | None, prefix: str | None
) -> None:
    """Puts the operation on the touchpoint topic: the stitch agent does it, in its turn."""
    import asyncio

    from console.connections import settings_for
    from console.sending import send

    value = _request(kind, identifiers)
    [sent] = asyncio.run(send(settings_for(kafka, redis, prefix), [value]))
    print(f"sent {sent}: {kind} {' '.join(identifiers)}")


def _request(kind: str, identifiers: list[str]) -> bytes:
    """The touchpoint that asks for it."""
    from console.refusals import Refused
    from console.sending import document

    pairs = []
    for one in identifiers:
        name, colon, raw = one.partition(":")
        if not (name and colon and raw):
            raise Refused(f"{one} is no identifier. Write one as phone:13800138000.")
        pairs.append(f"{name}={raw}")
    return document(f"identity.{kind}", pairs, (), (), {})
