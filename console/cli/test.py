"""`wayline test`: the tests that stand in the maps, run on a virtual clock."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from console.cli.options import JsonOption, examples


def add_to(app: typer.Typer) -> None:
    lines = (
        "wayline test .",
        "wayline test shop/maps/cart.yaml --watch",
        "wayline test . --junit report.xml",
    )
    app.command("test", epilog=examples(*lines))(run_tests)


def run_tests(
    path: Annotated[Path, typer.Argument(help="A workspace, or one map in it.")] = Path(),
    named: Annotated[
        str | None, typer.Option("--named", "-k", metavar="TEXT", help="Only tests so named.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit XML.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Again whenever a file changes.")] = False,
    json: JsonOption = False,
) -> None:
    """Run the tests of the maps through the workers' own engine, on a virtual clock."""
    if watch:
        _watch(path, named)
        return
    if not _run(path, named, junit, json):
        raise typer.Exit(1)


def _run(path: Path, named: str | None, junit: Path | None, json: bool) -> bool:
    import orjson

    from console.junit import write_junit
    from console.problems import as_lines, as_text
    from console.trials import as_json, open_bench, run_all, workspace_of
    from console.trials import as_text as told
    from journeys.language.problems import MapError

    try:
        bench = open_bench(path, named)
    except MapError as error:
        folder = workspace_of(path)
        printed = as_lines if json else as_text
        print(printed(error.problems, folder), file=sys.stdout if json else sys.stderr)
        return False
    report = run_all(bench)
    if junit is not None:
        write_junit(report, junit)
    if json:
        print(orjson.dumps(as_json(report), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(told(report, bench.folder)))
    return report.passed


def _watch(path: Path, named: str | None) -> None:
    """Until Ctrl-C; what cannot be read just now is said, and tried again at the next change."""
    from watchfiles import watch as changes

    from console.trials import workspace_of

    folder = workspace_of(path)
    _attempt(path, named)
    for changed in changes(folder, raise_interrupt=False):
        if any(Path(file).suffix in (".yaml", ".yml") for _, file in changed):
            print()
            _attempt(path, named)


def _attempt(path: Path, named: str | None) -> None:
    from console.refusals import sentence

    try:
        _run(path, named, None, json=False)
    except Exception as error:
        said = sentence(error)
        if said is None:
            raise
        print(f"wayline: {said[1]}", file=sys.stderr)
