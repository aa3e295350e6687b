"""How far sources are, and the moment before which all is stitched."""

import asyncio

import pytest
from redis.asyncio import Redis

from streams.keys import Keys
from streams.progress import Progress, Watermark

ONE, TWO = ("touchpoints", 0), ("touchpoints", 1)


@pytest.fixture
def progress(redis: Redis) -> Progress:
    return Progress(redis, Keys())


async def test_a_source_that_noted_nothing_holds_time_at_zero(progress: Progress) -> None:
    await progress.note({ONE: 1000}, {ONE: 5})

    assert await Watermark(progress, [ONE, TWO], 60).read() == 0


async def test_the_watermark_is_the_least_of_all_sources(progress: Progress) -> None:
    await progress.note({ONE: 1000, TWO: 700}, {})

    assert await Watermark(progress, [ONE, TWO], 60).read() == 700


async def test_a_moment_noted_late_never_sets_a_source_back(progress: Progress) -> None:
    await progress.note({ONE: 1000}, {})
    await progress.note({ONE: 900}, {})

    assert (await progress.read([ONE]))[ONE][0] == 1000


async def test_a_source_that_stands_still_is_left_out_while_others_move(
    progress: Progress,
) -> None:
    watermark = Watermark(progress, [ONE, TWO], silent_after=0.05)
    await progress.note({ONE: 1000, TWO: 700}, {})
    await watermark.read()
    await asyncio.sleep(0.1)
    await progress.note({ONE: 2000}, {ONE: 9})

    assert await watermark.read() == 2000
    assert watermark.silent() == [TWO]


async def test_a_source_that_works_off_a_backlog_holds_time_back(progress: Progress) -> None:
    watermark = Watermark(progress, [ONE, TWO], silent_after=0.05)
    await progress.note({ONE: 1000, TWO: 700}, {TWO: 5})
    await watermark.read()
    await asyncio.sleep(0.1)
    await progress.note({ONE: 2000}, {ONE: 9, TWO: 6})

    assert await watermark.read() == 700


async def test_after_a_restart_nobody_is_left_out_at_once(progress: Progress) -> None:
    await progress.note({ONE: 1000, TWO: 700}, {})

    fresh = Watermark(progress, [ONE, TWO], silent_after=0.0)

    assert await fresh.read() == 700
