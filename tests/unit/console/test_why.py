"""How two identifiers came together, told from a node and rows of merges."""

from typing import Any

from console.why import Why, as_json, lines, together
from journeys.identity.records import Link, Node
from schemas.touchpoint import Millis, ProfileId

LIVE, OLD, OLDER = ProfileId("live"), ProfileId("old"), ProfileId("older")


def _row(loser: str, survivor: str, time: int, cause: str, *links: str) -> dict[str, Any]:
    return {
        "from": loser,
        "into": survivor,
        "ts": time,
        "cause": {"event_id": cause, "links": list(links)},
    }


def _node(**origins: str) -> Node:
    links = {
        token: Link(Millis(1_000 * number), ProfileId(origin))
        for number, (token, origin) in enumerate(origins.items(), start=1)
    }
    return Node(Millis(1), identifiers=links, aliases=[OLD, OLDER])


def _told(steps: list[Any]) -> list[tuple[Any, ...]]:
    return [(step.kind, step.time, step.profile, step.into) for step in steps]


def test_of_two_that_began_apart_the_merges_between_are_told_in_the_order_of_time() -> None:
    node = _node(cookie="older", phone="")
    rows = [_row("old", "live", 9_000, "app/2", "phone"), _row("older", "old", 5_000, "app/1")]

    steps = together(LIVE, node, rows, ["cookie", "phone"])

    assert _told(steps) == [
        ("linked", 1_000, OLDER, None),
        ("linked", 2_000, LIVE, None),
        ("merged", 5_000, OLDER, OLD),
        ("merged", 9_000, OLD, LIVE),
    ]
    assert (steps[3].cause, steps[3].links) == ("app/2", ("phone",))


def test_what_happened_once_both_were_in_one_profile_is_left_out() -> None:
    node = _node(cookie="older", phone="old")
    rows = [_row("old", "live", 9_000, "app/2"), _row("older", "old", 5_000, "app/1")]

    steps = together(LIVE, node, rows, ["cookie", "phone"])

    assert [step.into for step in steps if step.kind == "merged"] == [OLD]


def test_two_of_one_touchpoint_need_no_merge() -> None:
    steps = together(LIVE, _node(cookie="", phone=""), [], ["cookie", "phone"])

    assert _told(steps) == [("linked", 1_000, LIVE, None), ("linked", 2_000, LIVE, None)]


def test_a_merge_whose_row_is_gone_is_told_without_its_cause() -> None:
    steps = together(LIVE, _node(cookie="old", phone=""), [], ["cookie", "phone"])

    told = lines(Why("cookie", "phone", LIVE, tuple(steps), {}), reveal=False)
    assert "at a time no longer known  old ended in live" in told[1] + told[2] + told[3]


def test_values_are_masked_unless_revealed() -> None:
    names = {"phone:t1": "phone:+8613800138000", "email:t2": "email:li@example.com"}
    steps = together(LIVE, _node(**{"phone:t1": "", "email:t2": ""}), [], list(names))
    found = Why("phone:t1", "email:t2", LIVE, tuple(steps), names)

    hidden, shown = str(as_json(found, reveal=False)), str(as_json(found, reveal=True))

    assert "+8613800138000" not in hidden + "".join(lines(found, reveal=False))
    assert "li@example.com" not in hidden
    assert "phone:+8…00" in hidden
    assert "phone:+8613800138000" in shown


def test_two_people_are_said_to_be_two() -> None:
    found = Why("phone:t1", "email:t2", None, (), {})

    assert lines(found, reveal=False) == ["phone:t1 and email:t2 are not one person's."]
