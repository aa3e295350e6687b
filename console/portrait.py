"""A person printed for people."""

from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

_ALWAYS = ("map", "key", "stage", "since", "next_timer")


def portrait(person: dict[str, Any]) -> RenderableType:
    """What `console.people.as_json` gathered, as tables."""
    head = Table.grid(padding=(0, 2))
    for name in ("profile", "shard", "last_seen"):
        head.add_row(f"[dim]{name}[/]", escape(str(person[name])))
    if person["merged_from"]:
        head.add_row("[dim]merged from[/]", ", ".join(person["merged_from"]))
    for name in ("identifiers", "traits", "consents"):
        for key, value in person[name].items():
            head.add_row(f"[dim]{name}[/]", escape(f"{key} = {_said(value)}"))
    if person["tags"]:
        head.add_row("[dim]tags[/]", escape(", ".join(person["tags"])))
    return Group(
        head,
        _table("In", person["instances"], (*_ALWAYS, *_trouble(person["instances"]))),
        _table("Last", person["touchpoints"], ("time", "type", "source", "properties")),
    )


def print_person(person: dict[str, Any]) -> None:
    Console().print(portrait(person))


def _trouble(instances: list[dict[str, Any]]) -> tuple[str, ...]:
    """The columns most people have nothing for."""
    return tuple(name for name in ("at_the_gate", "stuck") if any(i[name] for i in instances))


def _table(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> RenderableType:
    if not rows:
        return f"[bold]{title}[/]: nothing"
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    for column in columns:
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*(escape(_cell(column, row)) for column in columns))
    return table


def _cell(column: str, row: dict[str, Any]) -> str:
    value = row[column]
    if column == "map":
        return f"{value} {row['version']}"
    if column == "at_the_gate":
        return "\n".join(f"{each['action']} since {each['since']}" for each in value)
    if column == "properties":
        return ", ".join(f"{name}={_said(each)}" for name, each in value.items())
    return "" if value is None else str(value)


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
