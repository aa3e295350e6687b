"""`wayline dev`: everything embedded, until Ctrl-C."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from rich.console import Console

from console.following import print_actions
from console.instances import announced
from console.refusals import CannotRun
from console.starting import Running, ended_by_signals, running
from console.traffic import traffic
from streams.embedded import NOT_KEPT
from streams.settings import environment

WATCHED_EVERY_S = 0.5

HINTS = (
    "wayline send --type cart.left --id phone=13800138000 --property cart_id=c1 "
    "--property amount=80",
    "wayline actions --from-start",
    "wayline show phone:13800138000",
)
"""What to type in another terminal; the README says the same."""

_SHARED = (
    "PREFIX",
    "KAFKA__BOOTSTRAP",
    "KAFKA__EMBEDDED",
    "REDIS__URL",
    "PUBLISHING",
    "IDENTITY_KEY",
)


def develop(documents: Mapping[str, str], *, with_traffic: bool, level: str, out: Console) -> None:
    """Runs until it is interrupted; raises CannotRun when the worker ends by itself."""
    with (
        suppress(KeyboardInterrupt),
        ended_by_signals(),
        running(documents, level=level) as instance,
        announced(_variables(instance)),
    ):
        _introduce(instance, out)
        asyncio.run(_live(instance, with_traffic=with_traffic))


def _variables(instance: Running) -> dict[str, str]:
    """What other terminals need; ports and levels of this worker are not theirs."""
    every = environment(instance.settings)
    return {name: every[name] for name in (f"WAYLINE_{end}" for end in _SHARED)}


async def _live(instance: Running, *, with_traffic: bool) -> None:
    settings = instance.settings
    printing = print_actions(settings, None, from_start=True, follow=True, limit=None, json=False)
    duties = [printing, _watch(instance), *([traffic(settings)] if with_traffic else [])]
    tasks = [asyncio.create_task(duty) for duty in duties]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(instance: Running) -> None:
    while all(worker.ended() is None for worker in instance.workers):  # noqa: ASYNC110 - a process
        await asyncio.sleep(WATCHED_EVERY_S)
    raise CannotRun("The worker ended; what it said is above.")


def _introduce(instance: Running, out: Console) -> None:
    settings = instance.settings
    say = partial(out.print, highlight=False)
    say("[bold green]Wayline is ready.[/] Ctrl-C ends everything.\n")
    say(f"  Kafka    {settings.kafka.bootstrap}  (embedded)")
    say(f"  Redis    {settings.redis.url}  ({instance.base.redis_is})")
    for address in instance.metrics:
        say(f"  figures  {address}/metrics")
    say("\nIn another terminal:\n")
    for command in HINTS:
        say(f"  [cyan]{command}[/]", soft_wrap=True)
    say()
    for sentence in NOT_KEPT:
        say(f"[dim]{sentence}[/]", soft_wrap=True)
    say("\nActions, as they leave:\n")
