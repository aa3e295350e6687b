"""`wayline recompute`, with its progress shown."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from console.connections import redis_of, require_topics
from console.refusals import Refused
from journeys.language.model import Workspace
from journeys.language.problems import nearest
from streams.library import Library
from streams.recounting import Filled, recount
from streams.settings import Settings


async def fill(settings: Settings, traits: Sequence[str], shown: Console) -> Filled:
    """Fills the traits of everybody from the inbox. Raises Refused for one that is not computed
    from touchpoints, and Halt while one is not in force everywhere."""
    connection, topics = settings.connection, settings.topics
    await require_topics(settings, [topics.inbox, topics.maps])
    _check(await Library(connection, topics).latest(), traits)
    async with redis_of(settings) as redis:
        with _bar(shown) as bar:
            task = bar.add_task("reading the inbox", total=None)

            def step(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            return await recount(connection, topics, redis, settings.keys, traits, step)


def _check(present: Workspace | None, traits: Sequence[str]) -> None:
    computed = present.computed if present else {}
    for name in traits:
        if name not in computed:
            known = [each.name for each in computed.values() if each.how != "formula"]
            raise Refused(f'No computed trait "{name}" is published. {nearest(name, known)}')
        if computed[name].how == "formula":
            raise Refused(
                f"{name} is a formula and worked out whenever it is read: there is nothing to "
                "fill. Name the traits that it reads."
            )


def _bar(shown: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=shown,
        transient=True,
    )
