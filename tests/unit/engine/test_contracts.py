import re
from dataclasses import replace

import orjson

from journeys.engine.effects import Output
from journeys.engine.ids import cause_id, touchpoint_key
from journeys.language.model import Emit, End, Goal, Map, OnPublish, Reentry, Start, Task, Timer, To
from schemas.action import EVENT_TYPE, HEADERS, Action, attributes
from schemas.inbox import Held, Merged
from schemas.topics import TASKS
from schemas.transition import Kind, Transition

from .building import (
    ANN,
    BEA,
    HOUR,
    MINUTE,
    START,
    Life,
    entry,
    expression,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
    workspace,
)


def eventful() -> list[Output]:
    """A life in which every kind of transition is told."""
    fails = expression(lambda scope: scope.event.properties["missing"])
    first = stage(
        "first",
        do=(send("first/do/0", expires_after=hours(1)), send("first/do/1", channels=("email",))),
        after=(Timer(hours(1), go=End("over")),),
    )
    goals = (Goal("won", on("won"), expression(lambda scope: scope.now), None),)
    rule = Reentry(cooldown=hours(9))
    good = map_of("good", [first], [entry("in")], goals=goals, reentry=rule)
    bad = map_of("bad", [stage("first", do=(send("x", values={"v": fails}),))], [entry("in")])
    life = Life(release(good, bad, busy()))
    life.happens("in", START)
    life.happens("won", START + MINUTE)
    life.happens("in", START, BEA, id="b")
    life.append(Merged(BEA, ANN), START + MINUTE)
    life.deliver()
    life.pass_until(START + 2 * HOUR)
    newer = replace(busy(), version=2, on_publish=OnPublish("migrate"))
    book = release(good, bad, newer, space=workspace(digest="d2"))
    life.publish(replace(book, versions={**book.versions, ("busy", 1): busy()}))
    life.tick(START + 2 * HOUR)
    life.happens("in", START + 3 * HOUR)
    life.append(Held(), START + 3 * HOUR)
    return life.outputs


def busy() -> Map:
    """Asks somebody to do something, and makes touchpoints and requests of its own."""
    first = stage(
        "first",
        do=(
            Emit("first/do/0", "made", {}),
            Start("first/do/1", "good", {}),
            Task("first/do/2", "call", {}, hours(1), role="staff"),
        ),
        after=(Timer(hours(1.5), go=To("second")),),
    )
    second = stage("second", after=(Timer(hours(9), go=End("over")),))
    return map_of("busy", [first, second], [entry("in")], tracks=True)


def test_every_action_keeps_its_contract() -> None:
    outputs = [o for o in eventful() if o.kind.startswith("actions.")]
    assert outputs
    for output in outputs:
        action = Action.model_validate_json(output.value, strict=False)
        headers = dict(output.headers)

        assert output.kind == f"actions.{action.channel or TASKS}"
        assert output.key == action.profile_id
        assert set(HEADERS) <= set(headers)
        assert attributes(output.headers)["id"] == action.action_id
        assert headers["ce_type"].decode() == EVENT_TYPE
        assert headers["ce_source"].decode() == f"/maps/{action.map}/{action.version}"
        assert headers["ce_causationid"] == b"in@1777885200000" or action.profile_id != ANN
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", headers["ce_time"].decode())


def test_every_transition_keeps_its_contract_and_all_kinds_are_told() -> None:
    rows = [o for o in eventful() if o.kind == "transitions"]
    told = [Transition.model_validate_json(o.value) for o in rows]

    # Reports and skips are told where touchpoints settle or come too fast: see the tests of these.
    assert {row.kind for row in told} == set(Kind.__args__) - {"report", "skipped"}
    assert len({row.id for row in told}) == len(told)
    assert [o.key for o in rows] == [row.profile_id for row in told]


def test_no_field_goes_out_that_no_contract_names() -> None:
    for output in eventful():
        contract = Transition if output.kind == "transitions" else Action
        if output.kind == "inbox":
            continue
        names = {f.alias or name for name, f in contract.model_fields.items()}

        assert set(orjson.loads(output.value)) <= names


def test_outputs_carry_the_offset_that_caused_them() -> None:
    life = Life(release(map_of("m", [stage("first", do=(send("first/do/0"),))], [entry("in")])))
    life.happens("in", START)

    assert {o.offset for o in life.outputs} == {len(life.log) - 1}


def test_causes_are_not_confused_where_they_touch() -> None:
    assert cause_id("ab", "c") != cause_id("a", "bc")
    assert cause_id("a", "") != cause_id("a")
    assert touchpoint_key("ab", "c") != touchpoint_key("a", "bc")
    assert re.fullmatch(r"[0-9a-f]{24}", cause_id("中", ""))
