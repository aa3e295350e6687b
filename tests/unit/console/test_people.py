"""A person as the console shows her: enough to recognise, nothing to use."""

import io
from typing import Any

import pytest
from rich.console import Console

from console.masking import masked
from console.people import Person, as_json, moment
from console.portrait import portrait
from journeys.engine.profile import NEVER, Armed, Instance, Profile, Remembered, Standing
from schemas.touchpoint import ProfileId

ENTRY = Remembered("t1", "joined", 1_000, 0, "app", "", {})


def _shown(profile: Profile, *, reveal: bool = False) -> dict[str, Any]:
    return as_json(Person(ProfileId("p"), 3, profile, ()), reveal=reveal)


def _printed(profile: Profile) -> str:
    out = io.StringIO()
    Console(file=out, width=160).print(portrait(_shown(profile)))
    return out.getvalue()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("+8613800138000", "+8…00"),
        ("Li", "…"),
        (42, 42),
        (-799.5, -799.5),
        (None, None),
        (True, True),
        (13800138000, "13…00"),
        (31.230416, "31…16"),
        (["li@example.com", 3], ["li…om", 3]),
        ({"street": "Nanjing Road 1", "floor": 2}, {"street": "Na… 1", "floor": 2}),
    ],
)
def test_texts_and_long_numbers_are_masked_wherever_they_stand(
    value: object, shown: object
) -> None:
    assert masked(value) == shown


def test_identifiers_and_traits_are_masked_unless_revealed() -> None:
    profile = Profile(identifiers={"phone": ["+8613800138000"]}, traits={"city": ("Shanghai", 0)})

    hidden, shown = _shown(profile), _shown(profile, reveal=True)

    assert hidden["identifiers"] == {"phone": ["+8…00"]}
    assert hidden["traits"] == {"city": "Sh…ai"}
    assert shown["identifiers"] == {"phone": ["+8613800138000"]}
    assert shown["traits"] == {"city": "Shanghai"}


def test_what_she_did_and_the_keys_of_her_instances_are_masked_unless_revealed() -> None:
    told = {"email": "li@example.com", "amount": 80}
    instance = Instance("i1", "hello", 1, "ORDER-4711", ENTRY, stage="greet")
    did = Remembered("t2", "order.paid", 2_000, 0, "app", "", told)
    profile = Profile(instances=[instance], remembered=[did])

    hidden, shown = _shown(profile), _shown(profile, reveal=True)

    assert hidden["touchpoints"][0]["properties"] == {"email": "li…om", "amount": 80}
    assert hidden["instances"][0]["key"] == "OR…11"
    assert shown["touchpoints"][0]["properties"] == told
    assert shown["instances"][0]["key"] == "ORDER-4711"


def test_an_instance_shows_its_next_timer() -> None:
    timers = [Armed(0, 90_000, 1_000), Armed(1, 60_000, 1_000)]
    instance = Instance("i1", "hello", 1, None, ENTRY, stage="greet", timers=timers)

    [shown] = _shown(Profile(instances=[instance]))["instances"]

    assert (shown["stage"], shown["next_timer"]) == ("greet", "1970-01-01 00:01:00Z")


def test_an_instance_that_does_not_go_on_says_what_keeps_it() -> None:
    standing = Standing("a1", "remind/do/0", 60_000, 61_000, "c1", "timer", 0, {}, True)
    held = Instance("i1", "hello", 1, None, ENTRY, stage="remind", gate=[standing])
    stuck = Instance("i2", "other", 1, None, ENTRY, stage="greet", stuck="KeyError: [name]")

    printed = _printed(Profile(instances=[held, stuck]))

    assert "remind/do/0 since 1970-01-01 00:01:01Z" in printed
    assert "KeyError: [name]" in printed


def test_nobody_stuck_and_nothing_held_takes_no_room() -> None:
    printed = _printed(Profile(instances=[Instance("i1", "hello", 1, None, ENTRY)]))

    assert "stuck" not in printed
    assert "gate" not in printed


def test_a_trait_that_is_a_list_of_numbers_is_printed() -> None:
    assert "sizes = 38, 39" in _printed(Profile(traits={"sizes": ([38, 39], 0)}))


def test_no_moment_is_shown_as_nothing() -> None:
    assert (moment(0), moment(NEVER)) == ("", "")
    assert moment(253_402_300_800_000) == ""
