from journeys.language.model import End
from schemas.inbox import Merged

from .building import ANN, BEA, HOUR, START, Life, entry, map_of, release, send, stage

OLD, NEW = "+8613800138000", "+8613900139000"
HERS = {"phone": (OLD,), "email": ("ann@example.com",)}


def reached(**failure: object) -> Life:
    """Ann was sent an sms, which failed; whoever comes `in` is sent a message, by sms or mail."""
    first = stage("first", do=(send("first/do/0", channels=("sms", "email")),), go=End("sent"))
    life = Life(release(map_of("m", [first], [entry("in")])))
    life.happens("in", START, identifiers=HERS)
    sent = life.actions()[0]["action_id"]
    told = {"action_id": sent, "hard": True, "channel": "sms", "identifiers": {"phone": (OLD,)}}
    life.happens("action.failed", START + HOUR, **{**told, **failure})
    return life


def channels(life: Life) -> list[str]:
    return [action["channel"] for action in life.actions()]


def test_what_failed_for_good_is_not_tried_again() -> None:
    life = reached()

    life.happens("in", START + 2 * HOUR, identifiers={"email": ("ann@example.com",)})

    assert channels(life) == ["sms", "email"]
    assert life.actions()[1]["passed_over"] == {"sms": "failed"}


def test_what_failed_this_once_is_tried_again() -> None:
    life = reached(hard=False)

    life.happens("in", START + 2 * HOUR, identifiers={"email": ("ann@example.com",)})

    assert channels(life) == ["sms", "sms"]


def test_an_identifier_that_is_seen_again_is_of_use_again() -> None:
    life = reached()

    life.happens("in", START + 2 * HOUR, identifiers={"phone": (OLD,)})

    assert (channels(life), life.person().failed) == (["sms", "sms"], {})


def test_what_was_seen_before_the_failure_proves_nothing_though_it_comes_later() -> None:
    life = reached()

    life.happens("page.seen", START + 1, identifiers={"phone": (OLD,)}, stamp=START + 2 * HOUR)

    assert life.person().failed == {f"phone:{OLD}": START + HOUR}


def test_another_number_of_hers_is_tried() -> None:
    life = reached()

    life.happens("in", START + 2 * HOUR, identifiers={"phone": (NEW,)})

    assert [action["to"] for action in life.actions()] == [{"phone": OLD}, {"phone": NEW}]


def test_a_result_that_names_no_address_means_the_one_that_is_hers() -> None:
    life = reached(identifiers={"user_id": ("u1",)})

    assert life.person().failed == {f"phone:{OLD}": START + HOUR}


def test_a_merge_keeps_what_either_side_knows() -> None:
    life = reached()
    life.happens("page.seen", START, BEA, identifiers={"email": ("bea@example.com",)})

    life.append(Merged(ANN, BEA), START + 2 * HOUR)
    life.deliver()

    assert life.person(BEA).failed == {f"phone:{OLD}": START + HOUR}
