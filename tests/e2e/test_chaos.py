"""A short life under fire; `make chaos` is the long one."""

from pathlib import Path

import pytest

from tests.chaos.run import run

from .conftest import skipped_without_kafka

pytestmark = [pytest.mark.kafka, pytest.mark.redis]


async def test_nothing_is_lost_or_doubled_whatever_breaks(tmp_path: Path) -> None:
    with skipped_without_kafka():
        verdict = await run(seed=1, seconds=20, people=30, folder=tmp_path)

    assert verdict.broken == []
    assert verdict.faults.total() >= 3
