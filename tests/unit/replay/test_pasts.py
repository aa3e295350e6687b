"""People of the past led through maps: the same as a shard would have done with them."""

import random
from datetime import datetime

import msgspec
import orjson

from journeys.engine.effects import Output
from journeys.language.model import Release
from journeys.language.workspace import compile_workspace
from journeys.replay.differing import difference
from journeys.replay.life import Life
from journeys.replay.pasts import Happened, as_known_before, relive, rules_of
from journeys.replay.tally import Tally, percentile
from schemas.inbox import Arrived, InboxRecord, Merged, Published
from schemas.touchpoint import Millis, ProfileId, Touchpoint
from tests.unit.replay.benches import CART, documents

ANN, BEA = ProfileId("ann"), ProfileId("bea")
HOUR = 3_600_000
START = Millis(1_777_860_000_000)
"""2026-05-04 10:00 in Shanghai."""
LATER = Millis(START + 40 * 24 * HOUR)

COMPILED = compile_workspace(documents("name: nothing\ngiven: []\nexpect: {}"))
RULES = rules_of(COMPILED.workspace, COMPILED.maps)


def touch(who: ProfileId, type_: str, hours: float, **more: object) -> InboxRecord:
    time = Millis(START + int(hours * HOUR))
    properties = {"cart": more.pop("cart", "c1"), "amount": more.pop("amount", 30)}
    known = {"phone": (f"+{who}",), "openid.mp": (f"{who}@mp",)}
    name = f"{type_}@{who}@{hours}"
    consents = {"app": True, "sms": True}
    touchpoint = Touchpoint(
        name, type_, time, time, "shop", "", known, properties, consents=consents
    )
    return Arrived(who, touchpoint, (), ("", 0, 0))


def past(*records: InboxRecord) -> list[Happened]:
    found, heard = [], START
    for record in records:
        if isinstance(record, Arrived):
            heard = max(heard, record.touchpoint.time)
        found.append(Happened(heard, record))
    return found


def told(outputs: list[Output]) -> list[bytes]:
    return [output.value for output in outputs if output.kind != "inbox"]


def as_a_shard(records: list[Happened], until: Millis) -> list[bytes]:
    """One record after the other, decoded and encoded at each, as `wayline test` runs them."""
    release: Release = RULES.release
    life = Life(lambda shard: release if shard.settings else None, "event")
    life.open()
    life.append(Published(COMPILED.workspace.digest, {"cart": 1}), Millis(0))
    for heard, record in records:
        life.pass_until(Millis(heard - 1))
        life.append(record, heard)
    life.pass_until(until)
    return told(life.outputs)


def test_a_past_goes_as_it_would_have_in_a_shard() -> None:
    dice = random.Random(20260504)
    for _ in range(40):
        kinds = dice.choices(["cart.filled", "order.paid", "consent.withdrawn"], [6, 2, 1], k=12)
        hours = sorted(round(dice.uniform(0, 600), 2) for _ in kinds)
        dice.shuffle(hours) if dice.random() < 0.2 else None
        carts = dice.choices(["c1", "c2"], k=12)
        them = [touch(ANN, k, h, cart=c) for k, h, c in zip(kinds, hours, carts, strict=True)]
        records = past(*them)

        assert told(relive(RULES, records, LATER)) == as_a_shard(records, LATER)


def test_who_turn_out_to_be_one_go_on_together() -> None:
    records = past(
        touch(ANN, "cart.filled", 0),
        touch(BEA, "cart.filled", 1, cart="c2"),
        Merged(BEA, ANN),
        touch(ANN, "order.paid", 3, cart="c2"),
    )

    assert told(relive(RULES, records, LATER)) == as_a_shard(records, LATER)
    rows = [orjson.loads(value) for value in told(relive(RULES, records, LATER))]
    goals = [(row["profile_id"], row["key"]) for row in rows if row.get("kind") == "goal"]
    assert goals == [("ann", "c2")]


def test_what_is_older_only_says_who_she_is() -> None:
    records = past(touch(ANN, "cart.filled", 0), touch(ANN, "cart.filled", 100, cart="c2"))

    since = as_known_before(records, Millis(START + HOUR))

    rows = [orjson.loads(value) for value in told(relive(RULES, since, LATER))]
    assert {row["key"] for row in rows} == {"c2"}


def test_time_stops_where_it_is_said_to() -> None:
    records = past(touch(ANN, "cart.filled", 0))

    before = relive(RULES, records, Millis(START + 48 * HOUR))
    after = relive(RULES, records, Millis(START + 49 * HOUR))

    assert [output.kind for output in before] == ["transitions"]
    assert "actions.app" in [output.kind for output in after]


def test_parts_of_the_people_add_up_to_all_of_them() -> None:
    lives = [
        past(touch(ANN, "cart.filled", 0), touch(ANN, "order.paid", 5)),
        past(touch(BEA, "cart.filled", 0)),
        past(touch(ProfileId("cid"), "cart.filled", 2), touch(ProfileId("cid"), "cart.filled", 3)),
    ]
    whole, parts = Tally(), Tally()
    for life in lives:
        whole.add_life(relive(RULES, life, LATER), len(life))
        part = Tally()
        part.add_life(relive(RULES, life, LATER), len(life))
        parts.add(part)

    assert parts == whole
    assert whole.entered == {"cart": 3}
    assert whole.ended == {("cart", "ordered"): 1, ("cart", "silent"): 2}
    assert whole.worth == {("cart", "ordered"): 30}
    assert sorted(whole.dwell["cart", "remind"]) == [72 * HOUR, 72 * HOUR]
    assert [key[:4] for key in whole.actions] == [("cart", "remind", "remind", "app")]
    assert whole.touchpoints == 5


def test_a_percentile_is_a_value_that_was_seen() -> None:
    whole = Tally()
    whole.dwell["a", "b"].extend(range(10, 110, 10))

    assert percentile(whole.dwell["a", "b"], 0.5) == 50
    assert percentile(whole.dwell["a", "b"], 0.9) == 90
    assert percentile(whole.dwell["a", "c"], 0.9) is None


def test_two_drafts_part_at_the_first_thing_they_do_otherwise() -> None:
    sooner = CART.replace("wait: 2d", "wait: 1d").replace("version: 1", "version: 2")
    changed = compile_workspace(documents("name: none\ngiven: []\nexpect: {}", sooner))
    new = rules_of(changed.workspace, changed.maps)
    quick = past(touch(ANN, "cart.filled", 0), touch(ANN, "order.paid", 5))
    slow = past(touch(ANN, "cart.filled", 0), touch(ANN, "order.paid", 30))

    same = difference(relive(RULES, quick, LATER), relive(new, quick, LATER))
    found = difference(relive(RULES, slow, LATER), relive(new, slow, LATER))

    assert same is None
    assert found is not None
    assert found.new is not None
    assert found.old is not None
    assert (found.map, found.key, found.sent) == ("cart", "c1", (0, 1))
    assert (found.new.text, found.new.cause) == ("waiting → remind", "timer")
    assert (found.old.text, found.old.cause) == ("goal ordered, worth 30", "touchpoint")
    assert found.first == found.new


def test_before_it_begins_nobody_enters_by_time() -> None:
    """By a schedule, a date or a segment; who is in the segment by then enters as it begins."""
    entries = {
        "schedule: {at: '12:00'}": [50, 74],
        "date: profile.traits.born, every: month": [302],
        "segment: away": [],
        "segment: away, existing: enter": [36],
    }
    for enter, hours in entries.items():
        texts = documents("name: nothing\ngiven: []\nexpect: {}")
        texts["catalogue/more.yaml"] = (
            "traits: {born: date, seen: {last: event.time, of: cart.filled}}\n"
            "segments: {away: {when: hours_since(profile.traits.seen) >= 10}}\n"
        )
        texts["maps/cart.yaml"] = (
            f"map: cart\nversion: 1\nenter: {{{enter}}}\nreentry: parallel\n"
            "stages: {a: {after: {wait: 1h, end: x}}}\n"
        )
        compiled = compile_workspace(texts)
        arrived = touch(ANN, "cart.filled", 0)
        assert isinstance(arrived, Arrived)
        born = msgspec.structs.replace(arrived.touchpoint, traits={"born": "1990-05-17"})
        records = past(msgspec.structs.replace(arrived, touchpoint=born))
        begin, end = Millis(START + 36 * HOUR), Millis(START + 14 * 24 * HOUR)

        outputs = relive(
            rules_of(compiled.workspace, compiled.maps),
            as_known_before(records, begin),
            end,
            begin,
        )

        rows = [orjson.loads(value) for value in told(outputs)]
        entered = [datetime.fromisoformat(r["at"]) for r in rows if r["kind"] == "enter"]
        found = [(each.timestamp() * 1000 - START) / HOUR for each in entered]
        assert found[: len(hours) or 1] == hours, enter
