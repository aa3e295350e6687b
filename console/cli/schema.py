"""`wayline schema`: JSON Schemas, for editors and for those who write and read records."""

from typing import Annotated, Any

import typer

from console.cli.options import examples

_WHAT = "map, workspace, catalogue, templates; touchpoint, action, transition, action-result ..."


def add_to(app: typer.Typer) -> None:
    lines = ("wayline schema map > .wayline/map.json", "wayline schema action")
    app.command(epilog=examples(*lines))(schema)


def schema(
    what: Annotated[str, typer.Argument(metavar="WHAT", help=_WHAT, show_default=False)],
) -> None:
    """Print a JSON Schema (2020-12): of a designer's file, from the grammar, or of a record."""
    import orjson

    print(orjson.dumps(_schema(what), option=orjson.OPT_INDENT_2).decode())


def _schema(what: str) -> dict[str, Any]:
    from console.refusals import Refused
    from journeys.language.json_schema import ROOTS, schema_of
    from journeys.language.problems import nearest
    from schemas.published import json_schemas

    for kind in ROOTS:
        if what == kind:
            return schema_of(kind)
    records = json_schemas()
    if what in records:
        return records[what]
    raise Refused(f'There is no schema "{what}". {nearest(what, [*ROOTS, *records])}')
