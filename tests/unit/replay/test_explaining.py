"""Why she is there: each record with what it did, and what it did not do."""

from journeys.engine.effects import Shard
from journeys.language.workspace import compile_workspace, make_release
from journeys.replay.explaining import Story, explain
from schemas.inbox import InboxRecord, Logged, MergeIn, Opened, Published, Tick
from schemas.touchpoint import Millis
from tests.unit.replay.benches import CART, documents
from tests.unit.replay.test_pasts import ANN, BEA, HOUR, START, touch

MAP = CART.replace(
    "on: [{event: cart.filled, restart_timer: true}]",
    "on: [{event: cart.filled, when: event.amount > 10, restart_timer: true}]",
)
COMPILED = compile_workspace(documents("name: nothing\ngiven: []\nexpect: {}", MAP))
RELEASE = make_release(COMPILED.workspace, COMPILED.maps, [])
OPENED: list[InboxRecord] = [
    Opened("event", 1),
    Published(COMPILED.workspace.digest, {"cart": 1}),
]


def story(*records: InboxRecord, only: str | None = None) -> Story:
    log = [Logged(n, Millis(0), record) for n, record in enumerate([*OPENED, *records])]
    return explain(
        log, ANN, Shard(0, 1), lambda shard: RELEASE if shard.settings else None, str, only
    )


def tick(hours: float) -> Tick:
    return Tick(Millis(START + int(hours * HOUR)))


def test_each_record_says_what_it_did() -> None:
    found = story(
        touch(ANN, "cart.filled", 0),
        touch(BEA, "cart.filled", 1),
        tick(47),
        tick(49),
        touch(ANN, "order.paid", 50),
    )

    assert [(step.what.split(" ")[0], step.did) for step in found.steps] == [
        ("cart.filled", ["cart [c1]: enters at waiting"]),
        ("time", ["cart [c1]: waiting → remind", "cart [c1]: remind leaves by app"]),
        (
            "order.paid",
            ["cart [c1]: goal ordered, worth 30", "cart [c1]: remind → end ordered"],
        ),
    ]
    assert found.open == []
    assert [way.label for way in found.doors["cart"]] == ["cart.filled (one for each event.cart)"]


def test_what_did_not_move_her_says_why() -> None:
    again = touch(ANN, "cart.filled", 3, amount=5)
    found = story(
        touch(ANN, "cart.filled", 0),
        touch(ANN, "order.paid", 1, cart="c2"),
        touch(ANN, "cart.filled", -1, amount=50),
        again,
        again,
    )

    assert [step.unmoved for step in found.steps] == [
        [],
        ["cart [c1] in waiting, goal ordered: its cart is c2, not hers"],
        ["cart [c1] in waiting, line stays: it happened before she came here"],
        ["cart [c1] in waiting, line stays: not so: event.amount > 10"],
        ["it came before: nothing happens twice"],
    ]
    assert found.steps[2].did == ["cart [c1]: may not enter: already_in"]


def test_what_would_move_her_and_what_is_due_is_told() -> None:
    found = story(touch(ANN, "cart.filled", 0), tick(1))

    (standing,) = found.open
    assert (standing.map, standing.key, standing.stage) == ("cart", "c1", "waiting")
    assert [(way.label, way.where) for way in standing.ways] == [
        ("cart.filled [event.amount > 10] · waits anew", "stays"),
        ("goal ordered: order.paid", "→ end ordered"),
        ("consent.withdrawn", "→ end unsubscribed"),
    ]
    assert [(way.where, way.at) for way in standing.timers] == [
        ("→ remind", START + 48 * HOUR + HOUR // 2)
    ]
    assert found.doors == {}
    assert found.now == START + HOUR


def test_only_one_map_may_be_asked_for() -> None:
    found = story(touch(ANN, "cart.filled", 0), only="another")

    assert (found.steps, found.open, found.doors) == ([], [], {})


def test_a_merge_is_part_of_the_story() -> None:
    from journeys.engine.profile import Profile, encode

    found = story(touch(ANN, "cart.filled", 0), MergeIn(BEA, ANN, (), encode(Profile())))

    assert found.steps[1].what == "bea turns out to be her"


def test_of_a_schedule_it_says_when_she_would_be_let_in_next() -> None:
    by_time = MAP.replace(
        "{event: cart.filled, key: event.cart}",
        "[{schedule: {at: '12:00'}, when: exists(profile.traits.first_name)}, {event: order.paid}]",
    ).replace("event.cart", "null")
    compiled = compile_workspace(
        documents("name: n\nuntil: +1d\ndate: 2026-05-04\nexpect: {}", by_time)
    )
    release = make_release(compiled.workspace, compiled.maps, [])
    published = [OPENED[0], Published(compiled.workspace.digest, {"cart": 1})]
    records = [*published, touch(ANN, "cart.filled", 0), tick(3)]
    log = [Logged(n, Millis(0), record) for n, record in enumerate(records)]

    found = explain(log, ANN, Shard(0, 1), lambda s: release if s.settings else None, str)

    assert [(way.label, way.at) for way in found.doors["cart"]] == [
        ("schedule every day at 12:00 [exists(profile.traits.first_name)]", START + 26 * HOUR),
        ("order.paid", None),
    ]
