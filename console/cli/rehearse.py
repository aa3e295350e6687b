"""`wayline identity rehearse`: other rules, before switching to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, RedisOption

if TYPE_CHECKING:
    from console.rehearsing import Rehearsal, Step

LINES = (
    "wayline identity rehearse stricter.yaml --inbox",
    "wayline identity rehearse stricter.yaml --source members.csv --workspace . --mapping crm",
)


def rehearse(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", show_default=False)],
    source: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Touchpoints: CSV or JSON lines.")
    ] = None,
    inbox: Annotated[bool, typer.Option("--inbox", help="The touchpoints of the inbox.")] = False,
    workspace: Annotated[
        Path | None,
        typer.Option(help="With --source: the folder of the present rules and of the mappings."),
    ] = None,
    mapping: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Of wayline.yaml, for the file's columns.")
    ] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Identifiers in full.")] = False,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Run touchpoints through the present rules of identity and those in CONFIG, and compare.

    CONFIG is a YAML file: rules as under `identity:`, or a whole wayline.yaml. Nothing is written.
    Exit code 0: the same people; 1: others, or rules with problems; 2: cannot be read.
    """
    import orjson

    from console.rehearsing import as_json, lines

    if (source is None) == (not inbox):
        raise typer.BadParameter("Say one of --source FILE and --inbox.")
    with _shown() as step:
        if source is None:
            found = _from_inbox(config, (kafka, redis, prefix), step)
        else:
            found = _from_file(config, source, workspace, mapping, step)
    if json:
        print(orjson.dumps(as_json(found, reveal=reveal)).decode())
    else:
        print("\n".join(lines(found, reveal=reveal)))
    if not found.same:
        raise typer.Exit(1)


def _from_file(
    config: Path, source: Path, folder: Path | None, mapping: str | None, step: "Step"
) -> "Rehearsal":
    import asyncio

    from console.importing import workspace_of
    from console.rehearsing import proposed, refused_if_empty, rehearse, said_in
    from journeys.identity.config import DEMO_KEY, identity_config

    if not source.is_file():
        raise typer.BadParameter(f"{source} is no file.", param_hint="--source")
    workspace = workspace_of(folder)
    now = identity_config(workspace.identity if workspace else {}, DEMO_KEY)
    then = proposed(config, DEMO_KEY)
    said, unread = said_in(source, workspace, mapping, step)
    refused_if_empty(said)
    return asyncio.run(rehearse(said, now, then, step, unread))


def _from_inbox(
    config: Path, where: tuple[str | None, str | None, str | None], step: "Step"
) -> "Rehearsal":
    import asyncio

    from console.connections import redis_of, require_topics, settings_for
    from console.people import rules_in_force
    from console.rehearsing import proposed, refused_if_empty, rehearse, said_to_the_inbox

    settings = settings_for(*where)
    then = proposed(config, settings.secret_identity_key())

    async def run() -> "Rehearsal":
        await require_topics(settings, [settings.topics.inbox])
        async with redis_of(settings) as redis:
            now = await rules_in_force(settings, redis)
        said = await said_to_the_inbox(settings, step)
        refused_if_empty(said)
        return await rehearse(said, now, then, step)

    return asyncio.run(run())


@contextmanager
def _shown() -> "Iterator[Step]":
    """A bar on stderr; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        tasks = {}

        def step(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of or None)
            bar.update(tasks[what], completed=done, total=of or None)

        yield step
