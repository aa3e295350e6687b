"""Where `backtest` and `diff` find people of the past: their options, and the reading of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from console.backtesting import Draft, Period
    from console.histories import History
    from streams.settings import Settings

SourceOption = Annotated[
    Path | None,
    typer.Option("--source", metavar="FILE", help="Touchpoints: CSV or JSON lines, also gzipped."),
]
MappingOption = Annotated[
    str | None,
    typer.Option(
        "--mapping",
        metavar="NAME|FILE",
        help="What the file's columns mean: a source of wayline.yaml (default: the one with this "
        "file's name), or a YAML file with one.",
    ),
]
InboxOption = Annotated[bool, typer.Option("--inbox", help="The people of a running workspace.")]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="What is older only says who people are."),
]
ToOption = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="TIME", help="Time stops then (without it: at the last touchpoint)."
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", min=1, help="Processes. Default: one a core, for a large history."),
]


@dataclass(frozen=True, slots=True)
class Where:
    """What was asked for; one of `file` and `inbox`."""

    file: Path | None
    mapping: str | None
    inbox: bool
    since: str | None
    until: str | None

    def checked(self) -> None:
        """Raises BadParameter where it is not one of both."""
        if self.inbox == (self.file is not None):
            raise typer.BadParameter("Name one of --source FILE and --inbox.")
        if self.file is not None and not self.file.is_file():
            raise typer.BadParameter(f"{self.file} is no file.", param_hint="--source")
        if self.mapping is not None and self.file is None:
            raise typer.BadParameter("--mapping is for a --source.")


def read_past(
    where: Where, draft: "Draft", settings: "Callable[[], Settings]", bar: "Progress"
) -> "tuple[History, Period]":
    """The people, and what of their time counts; raises what reading a file or Kafka raises."""
    import asyncio

    from console.backtesting import Period, made_by
    from console.connections import require_topics
    from console.histories import read_file, read_inbox
    from console.mappings import key_of, mapping_of
    from journeys.identity.config import identity_config
    from schemas.touchpoint import Millis

    since = _moment(where.since, "--from")
    until = _moment(where.until, "--to")
    task = bar.add_task("reading", total=None)

    def told_of(read: int, whole: int, _: int) -> None:
        bar.update(task, completed=read, total=whole or None)

    workspace, maps = draft.compiled()
    upto = None if until is None else Millis(until)
    if where.file is not None:
        mapping = mapping_of(where.file, workspace, where.mapping)
        config = identity_config(workspace.identity, key_of())
        history = read_file(where.file, mapping, config, upto, told_of)
    else:
        found = settings()

        async def read() -> "History":
            await require_topics(found, [found.topics.inbox])
            return await read_inbox(found, upto, made_by(maps), told_of)

        history = asyncio.run(read())
    bar.remove_task(task)
    end = history.until if until is None else Millis(until)
    return history, Period(None if since is None else Millis(since), end)


@contextmanager
def progress_bar() -> "Iterator[Progress]":
    """On stderr, and only where somebody looks at it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    shown = Console(stderr=True)
    with Progress(
        *columns, TimeElapsedColumn(), console=shown, transient=True, disable=not shown.is_terminal
    ) as bar:
        yield bar


def _moment(written: str | None, option: str) -> int | None:
    """A time with its offset, or a day, which begins in UTC."""
    from datetime import UTC, datetime

    if written is None:
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise typer.BadParameter(
            f"{written} is no time. Write 2026-05-04 or 2026-05-04T09:00+08:00.", param_hint=option
        ) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
