"""`wayline publish`: a workspace in force, once it is said what that does to people; `archive`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, RedisOption, examples

if TYPE_CHECKING:
    from console.publication import Prospect
    from journeys.engine.fates import Fate
    from streams.publishing import PublishReport


def add_to(app: typer.Typer) -> None:
    lines = (
        "wayline publish .",
        "wayline publish shop/ --dry-run",
        "wayline publish . --yes --json",
    )
    app.command(epilog=examples(*lines))(publish)
    app.command(epilog=examples("wayline archive cart-recovery"))(archive)


def publish(
    folder: Annotated[Path, typer.Argument(help="Holds wayline.yaml.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before people are moved.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would become of people.")
    ] = False,
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Put a workspace in force: each shard goes over to it at its own place in the log."""
    import asyncio

    import orjson

    from console.connections import settings_for
    from console.folders import read_documents
    from console.publication import prospect
    from console.publication import publish as put_in_force

    documents, settings = read_documents(folder), settings_for(kafka, redis, prefix)
    found = asyncio.run(prospect(settings, documents))
    if not json:
        _foretell(found)
    if dry_run:
        if json:
            print(orjson.dumps(_people(found)).decode())
        return
    if not yes:
        _ask(found)
    report = asyncio.run(put_in_force(settings, documents, found.heads))
    if json:
        print(orjson.dumps({**_in_force(report), **_people(found)}).decode())
    else:
        _say(report)


def archive(
    map_name: Annotated[str, typer.Argument(metavar="MAP", show_default=False)],
    json: JsonOption = False,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Forget a map in which nobody is any more; publishing it again brings it back."""
    import asyncio

    import orjson

    from console.connections import settings_for
    from console.publication import archive as forget

    count = asyncio.run(forget(settings_for(kafka, redis, prefix), map_name))
    if json:
        print(orjson.dumps({"map": map_name, "state": "archived", "shards": count}).decode())
    else:
        print(f"archived: {map_name}; it is forgotten in {count} shards.")


def _foretell(found: "Prospect") -> None:
    """A line for each stage with people in it of a version that is no longer in force."""
    for fate in found.fates:
        where = f"{fate.map} {fate.version}, {fate.stage}"
        print(f"{where}: {fate.people:,} {_becomes(fate)}")
    if found.fates and found.behind:
        print(f"(counted up to {found.behind:,} records of the inbox that are not folded yet)")


def _becomes(fate: "Fate") -> str:
    match fate.becomes:
        case "moves":
            return f"go on in {fate.to} of the new version"
        case "ends":
            return "end, as stopped"
        case _:
            return "stay in that version"


def _ask(found: "Prospect") -> None:
    import sys

    from console.refusals import Refused

    if not found.touched:
        return
    if not sys.stdin.isatty():
        raise Refused(f"{found.touched:,} people would be moved or ended. Say so with --yes.")
    typer.confirm(f"Publish, with what that does to {found.touched:,} people?", abort=True)


def _in_force(report: "PublishReport") -> dict[str, Any]:
    new = [f"{m.name} {m.version}" for m in report.changed]
    in_force = {m.name: m.version for m in report.maps}
    return {"maps": in_force, "new": new, "settings": report.settings, "restart": report.restart}


def _people(found: "Prospect") -> dict[str, Any]:
    people = [
        {
            "map": fate.map,
            "version": fate.version,
            "stage": fate.stage,
            "people": fate.people,
            "becomes": fate.becomes,
            "to": fate.to or None,
        }
        for fate in found.fates
    ]
    return {"people": people, "behind": found.behind}


def _say(report: "PublishReport") -> None:
    print(f"in force: {', '.join(f'{m.name} {m.version}' for m in report.maps) or 'no map'}")
    new = [f"{m.name} {m.version}" for m in report.changed]
    new += ["settings"] if report.settings else []
    print(f"new: {', '.join(new) or 'nothing'}")
    if report.restart:
        print("Sources or identity changed: restart the workers, then they go by it.")
