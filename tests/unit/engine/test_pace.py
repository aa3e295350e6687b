"""A person over the workspace's rate: her journeys are skipped, her facts kept, and it is told."""

from journeys.engine.pace import OVER, WINDOWS, united
from journeys.language.model import End, Line, Rate, Timer
from journeys.language.workspace import compile_settings
from schemas.inbox import Merged

from .building import (
    ANN,
    BEA,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Life,
    entry,
    folded_again,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
    workspace,
)

THREE_AN_HOUR = Rate(3, HOUR)


def _life(rate: Rate | None = THREE_AN_HOUR) -> Life:
    waiting = stage(
        "waiting",
        on=(Line(on("bought"), go=End("bought")),),
        after=(Timer(hours(2), do=(send("waiting/after/0/do/0"),), go=End("sent")),),
    )
    maps = map_of("m", [waiting], [entry("in")])
    return Life(release(maps, space=workspace(rate=rate)))


def _wander(life: Life, times: int, since: int = START, who: str = ANN) -> None:
    for number in range(times):
        life.happens(
            "in" if number == 0 else "seen", since + number * SECOND, who, id=f"{since}+{number}"
        )


def test_over_the_rate_journeys_hear_nothing_and_facts_are_kept() -> None:
    life = _life()
    _wander(life, 3)

    life.happens("bought", START + MINUTE, traits={"city": "Hangzhou"})

    assert [one.stage for one in life.person().instances] == ["waiting"]
    assert life.person().trait("city") == "Hangzhou"
    assert [kept.type for kept in life.person().remembered] == ["in"]


def test_it_is_told_once_in_a_window_and_once_more_in_the_next() -> None:
    life = _life()
    _wander(life, 10)
    _wander(life, 5, START + HOUR)

    first, second = life.told("skipped")
    assert (first["cause_id"], first["reason"], first["map"]) == (f"{START}+3", "rate", "")
    assert (first["until"], second["until"]) == (
        "2026-05-04T10:00:00.000Z",
        "2026-05-04T11:00:00.000Z",
    )


def test_in_the_next_window_journeys_go_on() -> None:
    life = _life()
    _wander(life, 9)

    life.happens("bought", START + HOUR)

    assert life.person().instances == []


def test_timers_fire_whatever_the_pace() -> None:
    life = _life()
    _wander(life, 9)

    life.pass_until(START + 3 * HOUR)

    assert len(life.actions()) == 1


def test_a_backlog_of_many_hours_that_arrives_at_once_is_no_flood() -> None:
    life = _life()

    for hour in range(20):
        life.happens("seen", START + hour * HOUR, stamp=START + 20 * HOUR)

    assert life.told("skipped") == []


def test_what_is_dated_before_all_that_is_counted_does_not_escape() -> None:
    life = _life()
    for hour in range(WINDOWS):
        life.happens("seen", START + hour * HOUR)

    for number in range(9):
        life.happens("seen", START - (1 + number) * HOUR)

    assert len(life.told("skipped")) == 1


def test_two_who_are_one_have_one_pace() -> None:
    life = _life()
    _wander(life, 2)
    _wander(life, 2, START + MINUTE, BEA)
    life.append(Merged(BEA, ANN), START + 2 * MINUTE)
    life.deliver()

    life.happens("bought", START + 3 * MINUTE)

    assert len(life.told("skipped")) == 1
    assert len(life.person().instances) == 1


def test_a_pace_that_either_passed_is_passed_and_the_newest_windows_stay() -> None:
    assert united({1: 2, 2: OVER}, {1: 3, 2: 1}) == {1: 5, 2: OVER}
    assert list(united(dict.fromkeys(range(6), 1), {9: 1})) == [3, 4, 5, 9]


def test_without_a_rate_nothing_is_counted() -> None:
    life = _life(None)
    _wander(life, 50)

    assert life.person().pace == {}
    assert life.told("skipped") == []


def test_a_life_over_the_rate_is_folded_the_same_in_any_batching() -> None:
    life = _life()
    _wander(life, 12)
    _wander(life, 12, START + HOUR, BEA)
    life.append(Merged(BEA, ANN), START + 2 * HOUR)
    life.deliver()

    again = folded_again(life, {5, 11, 17})

    assert again.stored == life.stored


def test_a_workspace_says_how_many_and_in_what_time() -> None:
    text = "workspace: shop\ntimezone: UTC\nrate: {count: 600, per: 1h}\n"

    assert compile_settings({"wayline.yaml": text}).rate == Rate(600, HOUR)
    assert compile_settings({"wayline.yaml": text.partition("rate")[0]}).rate is None
