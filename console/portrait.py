"""A person printed for people."""

from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table


def portrait(person: dict[str, Any]) -> RenderableType:
    """What `console.people.as_json` gathered, as tables."""
    head = Table.grid(padding=(0, 2))
    for name in ("profile", "shard", "last_seen"):
        head.add_row(f"[dim]{name}[/]", escape(str(person[name])))
    if person["merged_from"]:
        head.add_row("[dim]merged from[/]", ", ".join(person["merged_from"]))
    for name in ("identifiers", "traits", "consents"):
        for key, value in person[name].items():
            shown = ", ".join(value) if isinstance(value, list) else str(value)
            head.add_row(f"[dim]{name}[/]", f"{escape(key)} = {escape(shown)}")
    if person["tags"]:
        head.add_row("[dim]tags[/]", escape(", ".join(person["tags"])))
    return Group(
        head,
        _table(
            "In", person["instances"], ("map", "version", "key", "stage", "since", "next_timer")
        ),
        _table("Last", person["touchpoints"], ("time", "type", "source", "properties")),
    )


def print_person(person: dict[str, Any]) -> None:
    Console().print(portrait(person))


def _table(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> RenderableType:
    if not rows:
        return f"[bold]{title}[/]: nothing"
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    for column in columns:
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*("" if row[c] in (None, {}) else escape(str(row[c])) for c in columns))
    return table
