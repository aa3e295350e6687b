"""A person as the console shows her: enough to recognise, nothing to use."""

import pytest

from console.people import Person, as_json, masked, moment
from journeys.engine.profile import NEVER, Armed, Instance, Profile, Remembered
from schemas.touchpoint import ProfileId


@pytest.mark.parametrize(
    ("value", "shown"), [("+8613800138000", "+8…00"), ("Li", "…"), (42, 42), (None, None)]
)
def test_text_is_masked_and_other_values_stay(value: object, shown: object) -> None:
    assert masked(value) == shown


def test_identifiers_and_traits_are_masked_unless_revealed() -> None:
    profile = Profile(identifiers={"phone": ["+8613800138000"]}, traits={"city": ("Shanghai", 0)})
    person = Person(ProfileId("p"), 3, profile, ())

    hidden, shown = as_json(person, reveal=False), as_json(person, reveal=True)

    assert hidden["identifiers"] == {"phone": ["+8…00"]}
    assert hidden["traits"] == {"city": "Sh…ai"}
    assert shown["identifiers"] == {"phone": ["+8613800138000"]}
    assert shown["traits"] == {"city": "Shanghai"}


def test_an_instance_shows_its_next_timer() -> None:
    entry = Remembered("t1", "joined", 1_000, 0, "app", "", {})
    timers = [Armed(0, 90_000, 1_000), Armed(1, 60_000, 1_000)]
    instance = Instance("i1", "hello", 1, None, entry, stage="greet", timers=timers)
    person = Person(ProfileId("p"), 3, Profile(instances=[instance]), ())

    [shown] = as_json(person, reveal=False)["instances"]

    assert (shown["stage"], shown["next_timer"]) == ("greet", "1970-01-01 00:01:00")


def test_no_moment_is_shown_as_nothing() -> None:
    assert (moment(0), moment(NEVER)) == ("", "")
