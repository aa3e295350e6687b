"""How things stand, as an operator reads it."""

import io
from typing import Any

from rich.console import Console

from console.readings import Reading, ShardReading
from console.standing import print_standing


def _shard(number: int, **given: Any) -> ShardReading:
    open_ = {"held": False, "held_since": 0, "held_for": ""}
    return ShardReading(
        **{"number": number, "offset": 7, "lag": 0, "time": 0, "maps": {}, "waiting": 0}
        | open_
        | given
    )


def _printed(*shards: ShardReading) -> str:
    out = io.StringIO()
    print_standing(Reading(0, list(shards), [], 0, None), Console(file=out, width=100))
    return out.getvalue()


def test_an_open_gate_is_one_line() -> None:
    assert "gate: open" in _printed(_shard(0), _shard(1))


def test_a_shut_gate_says_since_when_and_why() -> None:
    held = {"held": True, "held_since": 61_000, "held_for": "wrong price [sms]"}

    printed = _printed(_shard(0, **held), _shard(1, **held | {"held_since": 62_000}))

    said = "gate: shut in all shards since 1970-01-01 00:01:01: wrong price [sms]"
    assert said in printed


def test_a_shard_that_has_not_read_of_it_yet_is_not_counted_in() -> None:
    printed = _printed(_shard(0), _shard(1, held=True, held_since=61_000))

    assert "gate: shut in shards 1 since 1970-01-01 00:01:01: no reason given" in printed
