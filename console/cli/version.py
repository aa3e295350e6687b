"""`wayline version`."""

import typer

from console.cli.options import examples


def add_to(app: typer.Typer) -> None:
    app.command(epilog=examples("wayline version"))(version)


def version() -> None:
    """Print the version of Wayline and of Python."""
    from importlib.metadata import version as of
    from platform import python_version

    print(f"wayline {of('wayline')}, Python {python_version()}")
