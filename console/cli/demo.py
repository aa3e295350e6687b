"""`wayline demo`: a year of a real shop through the whole pipeline."""

import typer


def add_to(app: typer.Typer) -> None:
    app.command()(demo)


def demo() -> None:
    """x"""
