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


def _printed(*shards: ShardReading, owners: dict[str, list[str]] | None = None) -> str:
    out = io.StringIO()
    print_standing(Reading(0, list(shards), [], 0, owners), Console(file=out, width=100))
    return out.getvalue()


def test_an_open_gate_is_one_line() -> None:
    assert "gate: open" in _printed(_shard(0), _shard(1))


def test_a_shut_gate_says_since_when_and_why() -> None:
    held = {"held": True, "held_since": 61_000, "held_for": "wrong price [sms]"}

    printed = _printed(_shard(0, **held), _shard(1, **held | {"held_since": 62_000}))

    said = "gate: shut in all shards since 1970-01-01 00:01:01Z: wrong price [sms]"
    assert said in printed


def test_a_shard_that_has_not_read_of_it_yet_is_not_counted_in() -> None:
    printed = _printed(_shard(0), _shard(1, held=True, held_since=61_000))

    assert "gate: shut in shards 1 since 1970-01-01 00:01:01Z: no reason given" in printed


def test_maps_are_one_line_where_all_shards_go_by_the_same() -> None:
    printed = _printed(_shard(0, maps={"b": 2, "a": 1}), _shard(1, maps={"a": 1, "b": 2}))

    assert "maps: a 1, b 2" in printed
    assert printed.count("a 1, b 2") == 1


def test_maps_stand_beside_each_shard_while_a_publication_is_on_its_way() -> None:
    printed = _printed(_shard(0, maps={"a": 1}), _shard(1, maps={"a": 2}))

    assert "maps:" not in printed
    assert "a 1" in printed
    assert "a 2" in printed


def test_a_map_that_was_steered_says_how_and_where() -> None:
    paused = {"steered": {"cart": "paused (hold)", "win-back": "draining"}}

    printed = _printed(_shard(0, **paused), _shard(1, steered={"cart": "paused (hold)"}))

    assert "map cart: paused (hold) in all shards" in printed
    assert "map win-back: draining in shards 0" in printed


def test_what_a_worker_owns_is_told_in_ranges() -> None:
    owned = [f"inbox/{n}" for n in (0, 1, 2, 10, 11, 5)] + ["touchpoints/7"]

    printed = _printed(_shard(0), owners={"worker-0 at 10.0.0.7": owned, "worker-1 at h": []})

    assert "worker-0 at 10.0.0.7: inbox 0-2 5 10-11, touchpoints 7\n" in printed
    assert "worker-1 at h: nothing\n" in printed
