import msgspec

from journeys.engine.effects import Shard
from journeys.engine.facts import VALUES_KEPT
from journeys.engine.fold import fold, tick_time, wanted
from journeys.engine.profile import NEVER, Profile, decode, encode
from schemas.inbox import Arrived, Held, Logged, Merged, MergeIn, Retried, Tick
from schemas.touchpoint import Millis

from .building import (
    ANN,
    BEA,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Life,
    release,
    touch,
    win_back,
    workspace,
)


def logged(record, stamp=START):
    return Logged(0, Millis(stamp), record)


def test_wanted_names_each_recipient_once_in_first_seen_order() -> None:
    arrived = Arrived(BEA, touch("in", START), (), ("t", 0, 0))
    records = [arrived, Held(), Merged(ANN, BEA), Retried(BEA), MergeIn(BEA, ANN, (), b"")]

    assert wanted([logged(record) for record in records]) == [BEA, ANN]


def test_time_never_runs_back_and_never_past_the_stamp() -> None:
    shard = Shard(0, 1, time=START)

    assert tick_time(shard, logged(Tick(Millis(START - 1)))) == START
    assert tick_time(shard, logged(Tick(Millis(START + DAY)), START + HOUR)) == START + HOUR
    assert tick_time(shard, logged(Held(), START + HOUR)) == START


def test_with_the_event_clock_the_stamp_is_not_looked_at() -> None:
    shard = Shard(0, 1, clock="event")

    assert tick_time(shard, logged(Tick(Millis(START)), 0)) == START


def test_marks_only_grow() -> None:
    life = Life()

    life.append(Tick(START, {"till": START}), START)
    life.append(Tick(START, {"till": Millis(START - 1), "shop": START}), START)

    assert life.shard.marks == {"till": START, "shop": START}


def test_before_anything_was_published_facts_are_folded() -> None:
    life = Life()

    life.happens("order.paid", START, traits={"city": "Hangzhou"})

    assert life.person().trait("city") == "Hangzhou"
    assert life.person().remembered == []
    assert life.outputs == []


def test_what_was_published_holds_from_its_record_on() -> None:
    life = Life()
    life.happens("order.paid", START, id="before")
    life.publish(release(win_back()))

    life.happens("order.paid", START, id="after")

    assert [row["cause_id"] for row in life.told("enter")] == ["after"]


def test_a_touchpoint_is_taken_once_and_its_source_is_part_of_its_name() -> None:
    life = Life(release(win_back()))
    life.happens("order.paid", START, id="1")
    after = life.stored[ANN]

    life.happens("order.paid", START, id="1")
    assert life.stored[ANN] == after
    life.happens("order.paid", START + 1, id="1", source="till")

    assert len(life.told("move")) == 1


def test_memory_ends_by_the_shards_time_and_by_number() -> None:
    life = Life(release(win_back(), space=workspace(memory_at_most=3)))
    for n in range(5):
        life.happens("order.paid", START + n * MINUTE)

    assert [kept.time for kept in life.person().remembered] == [
        START + n * MINUTE for n in (2, 3, 4)
    ]
    assert len(life.person().seen) == 3
    life.tick(START + DAY + 5 * MINUTE)
    life.happens("other", START + DAY + 5 * MINUTE)
    assert life.person().remembered == []
    assert len(life.person().seen) == 1


def test_only_properties_some_map_names_are_remembered() -> None:
    life = Life(release(win_back()))

    life.happens("order.paid", START, amount=7, secret="x")
    life.happens("page.viewed", START, amount=7)

    assert [kept.properties for kept in life.person().remembered] == [{"amount": 7}]


def test_the_newest_value_of_an_identifier_is_the_address() -> None:
    life = Life()
    for n in range(VALUES_KEPT + 5):
        life.happens("x", START + n, identifiers={"phone": (str(n),)})
    life.happens("y", START + 99, identifiers={"phone": ("7",), "openid.wx1": ("o",)})

    ann = life.person()
    assert ann.address("phone") == ("phone", "7")
    assert ann.address("openid.*") == ("openid.wx1", "o")
    assert len(ann.identifiers["phone"]) == VALUES_KEPT


def test_an_anonymous_profile_is_forgotten_ninety_days_after_it_was_last_seen() -> None:
    life = Life(release(win_back()))
    life.happens("page.viewed", START, identifiers={"cookie": ("c",)})
    assert life.due[ANN] == START + 90 * DAY

    life.tick(START + 90 * DAY - 1)
    assert ANN in life.stored
    life.tick(START + 90 * DAY)

    assert (life.stored, life.due, life.gate) == ({}, {}, {})


def test_a_known_person_is_never_forgotten() -> None:
    life = Life(release(win_back()))

    life.happens("page.viewed", START)

    assert life.due[ANN] == NEVER


def test_identity_says_which_namespaces_are_anonymous() -> None:
    classes = {"namespaces": {"phone": {"cls": "device"}, "wx.*": {"cls": "account"}}}
    life = Life(release(win_back(), space=workspace(identity=classes)))

    life.happens("page.viewed", START, ANN)
    life.happens("page.viewed", START, BEA, id="b", identifiers={"wx.1": ("o",)})

    assert [life.person(who).known for who in (ANN, BEA)] == [False, True]


def test_a_profile_with_two_instances_takes_six_hundred_bytes() -> None:
    life = Life(release(win_back(), win_back(name="win-back-60")))

    life.happens("order.paid", START, id="0190f6d2-7c1e-7a2b", amount=129.5)

    assert len(life.stored[ANN]) <= 600


def test_a_redirect_is_tiny() -> None:
    assert len(encode(Profile(redirect="01J0000000000000000000000A"))) < 45


def test_bytes_of_an_older_release_stay_readable() -> None:
    old = msgspec.msgpack.encode(["", START, True, START, {"phone": ["1"]}])

    assert decode(old) == Profile(
        created=START, known=True, last_seen=START, identifiers={"phone": ["1"]}
    )


def test_whom_a_tick_names_and_nobody_stores_leaves_the_index() -> None:
    effects = fold(Shard(0, 1), [logged(Tick(START))], {}, lambda shard: None, [(START, ANN)])

    assert effects.due == {ANN: None}


def test_a_longer_grace_puts_off_whom_the_index_named_earlier() -> None:
    life = Life(release(win_back()))
    life.happens("order.paid", START)
    life.publish(release(win_back(), space=workspace(grace=HOUR)))

    life.tick(START + 30 * DAY + 5 * SECOND)

    assert life.actions() == []
    assert life.due[ANN] == START + 30 * DAY + HOUR
