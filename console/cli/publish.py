"""`wayline publish`: a workspace in force."""

from pathlib import Path
from typing import Annotated

import typer

from console.cli.options import JsonOption, KafkaOption, PrefixOption, examples


def add_to(app: typer.Typer) -> None:
    app.command(epilog=examples("wayline publish .", "wayline publish shop/ --json"))(publish)


def publish(
    folder: Annotated[Path, typer.Argument(help="Holds wayline.yaml.", show_default=False)],
    json: JsonOption = False,
    kafka: KafkaOption = None,
    prefix: PrefixOption = None,
) -> None:
    """Put a workspace in force: each shard goes over to it at its own place in the log."""
    import asyncio

    import orjson

    from console.connections import settings_for
    from console.folders import read_documents
    from console.publication import publish as put_in_force

    documents = read_documents(folder)
    report = asyncio.run(put_in_force(settings_for(kafka, None, prefix), documents))
    new = [f"{m.name} {m.version}" for m in report.changed]
    if json:
        in_force = {m.name: m.version for m in report.maps}
        more = {"settings": report.settings, "restart": report.restart}
        print(orjson.dumps({"maps": in_force, "new": new, **more}).decode())
        return
    print(f"in force: {', '.join(f'{m.name} {m.version}' for m in report.maps) or 'no map'}")
    new += ["settings"] if report.settings else []
    print(f"new: {', '.join(new) or 'nothing'}")
    if report.restart:
        print("Sources or identity changed: restart the workers, then they go by it.")
