"""Maps as pictures: what is in the map is in the picture, and the same map is the same text."""

from pathlib import Path

import pytest

from console.folders import read_documents
from journeys.language.drawing import draw, edges_of
from journeys.language.model import End, Map, To
from journeys.language.walk import within
from journeys.language.workspace import compile_workspace
from tests.unit.replay.benches import documents

from .corpus import cases, compiled

EXAMPLES = Path(__file__).parents[3] / "examples"


def examples() -> list[Map]:
    folders = sorted(each.parent for each in EXAMPLES.glob("*/wayline.yaml"))
    return [map_ for each in folders for map_ in compile_workspace(read_documents(each)).maps]


def test_a_map_is_drawn_like_this() -> None:
    (map_,) = compile_workspace(documents("name: none\nexpect: {}")).maps

    assert draw(map_).splitlines() == [
        "flowchart TD",
        '    enter(("enter"))',
        '    s0["waiting"]',
        '    s1["remind<br/>send remind"]',
        '    everywhere{{"in every stage"}}',
        '    e0(["silent"])',
        '    e1(["ordered"])',
        '    e2(["unsubscribed"])',
        '    enter -->|"cart.filled (one for each event.cart)"| s0',
        '    s0 -->|"cart.filled · waits anew"| s0',
        '    s0 -.->|"after 2d at 10:30 at most 9d"| s1',
        '    s1 -.->|"after 3d"| e0',
        '    everywhere -->|"goal ordered: order.paid"| e1',
        '    everywhere -->|"consent.withdrawn"| e2',
    ]


def test_signs_that_mermaid_reads_are_written_as_entities() -> None:
    texts = documents("name: none\nexpect: {}")
    when = """event: order.paid, when: 'event.amount > 5 and "#" != "y"',"""
    texts["maps/cart.yaml"] = texts["maps/cart.yaml"].replace("event: order.paid,", when)

    (picture,) = [draw(each) for each in compile_workspace(texts).maps]

    assert "[event.amount #gt; 5 and #quot;#35;#quot; != #quot;y#quot;]" in picture


@pytest.mark.parametrize("case", cases("ok"), ids=lambda case: case.stem)
def test_every_way_of_a_good_map_is_an_edge(case: Path) -> None:
    _assert_whole(compiled(case))


def test_every_shipped_map_is_drawn_whole() -> None:
    maps = examples()

    assert maps
    for map_ in maps:
        _assert_whole(map_)


def _assert_whole(map_: Map) -> None:
    ways = [part for part in within(map_) if isinstance(part, To | End)]
    drawn = [edge.target for edge in edges_of(map_)]
    picture = draw(map_)

    assert {*ways} <= {*drawn}
    assert picture.count("-->") + picture.count("-.->") == len(drawn)
    assert picture == draw(map_)


def test_an_entry_at_a_moment_is_drawn_as_one_would_say_it() -> None:
    (case,) = [each for each in cases("ok") if each.stem == "everybody-at-a-time"]

    assert [edge.label for edge in edges_of(compiled(case)) if edge.source is None] == [
        "schedule tue, fri at 10:00 [profile.traits.spent > 100] spread 2h",
        "schedule 2026-11-11 at 09:30",
        "schedule cron 0 10 1 * *",
        "date profile.traits.birthday every year 7d before at 10:00",
        "date profile.traits.birthday 1mo after [profile.traits.tier == 'gold']",
        "segment regulars existing spread 30m",
        "[profile.traits.orders > 3] existing",
    ]
