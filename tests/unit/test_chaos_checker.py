"""The judge of the chaos runs sees every lie: a world in order, and one thing changed in it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from tests.chaos.checker import _key, violations
from tests.chaos.crowd import PATIENCE, Sent
from tests.chaos.evidence import Evidence

T0 = 1_772_445_600_000  # 2026-03-02T10:00:00Z
T1 = _key("shop", "t1")
ANN = (("user_id", "p0"),)
SENT = [
    Sent("t0", "p0", "member.joined", T0, ANN),
    Sent("t1", "p0", "cart.left", T0, ANN, "c1"),
    Sent("t2", "p0", "cart.left", T0, ANN, "c2"),
    Sent("t3", "p0", "order.paid", T0 + 1000, ANN, "c2"),
]
REMINDER = {
    "action_id": "a1",
    "template": "reminder",
    "key": "c1",
    "due": "2026-03-02T10:00:06.000Z",
    "leaves": "2026-03-02T10:00:07.500Z",
    "reason": {"id": "i1"},
}
WELCOME = {"action_id": "a0", "template": "welcome", "key": None, "reason": {"id": "t0"}}


def _world() -> Evidence:
    records = [ConsumerRecord("t", 0, n, T0, 0, None, b"", None, 0, 0, ()) for n in range(4)]
    row = {"kind": "enter", "map": "cart", "version": 1, "logged": "2026-03-02T10:00:00.100Z"}
    seen = {_key("shop", sent.id): T0 for sent in SENT}
    state = ["", T0, True, T0, {"user_id": ["p0"]}, {}, [], {}, [], {}, seen, [], []]
    return Evidence(
        records,
        [["arrived", "ann", [], [], ["t", 0, n]] for n in range(4)],
        [(T0 + 200, dict(WELCOME)), (T0 + PATIENCE + 1600, dict(REMINDER))],
        [{"id": "r1", **row}, {"id": "r2", **row}],
        [],
        {"ann": state, "gone": ["ann", *state[1:]]},
        {("2026-03-02", "cart/1/enter"): 2, ("2026-03-02", "cart/1/stage:waiting"): 2},
    )


def test_nothing_is_said_of_a_world_in_order() -> None:
    assert violations(SENT, _world()) == []


def _reminder(seen: Evidence, **fields: Any) -> None:
    seen.actions[1][1].update(fields)


LIES: dict[str, Callable[[Evidence], object]] = {
    "is not in the inbox": lambda seen: seen.inbox.pop(),
    "2 times": lambda seen: seen.inbox.append(seen.inbox[0]),
    "where there is none": lambda seen: seen.inbox.append(["arrived", "ann", [], [], ["t", 0, 9]]),
    "t1 is in the histories of nobody": lambda seen: seen.profiles["ann"][10].pop(
        _key("shop", "t1")
    ),
    "t0 is in the histories of ['ann', 'bea']": lambda seen: seen.profiles.update(
        bea=deepcopy(seen.profiles["ann"])
    ),
    "nobody sent": lambda seen: seen.profiles["ann"][10].update({7: T0}),
    "nobody has exactly": lambda seen: seen.profiles["ann"][4].update(cookie=["c"]),
    "2 live profiles": lambda seen: seen.profiles["gone"].__setitem__(0, ""),
    "welcome for t0: 1 wanted, 0 found": lambda seen: seen.actions.pop(0),
    "not paid in time, and has 0 reminders": lambda seen: seen.actions.pop(),
    "she was reminded": lambda seen: seen.actions.append((T0 * 2, REMINDER | {"key": "c2"})),
    "nobody left": lambda seen: seen.actions.append((T0 * 2, REMINDER | {"key": "c9"})),
    "says due": lambda seen: _reminder(seen, due="2026-03-02T10:00:05.000Z"),
    "before it was due": lambda seen: _reminder(seen, leaves="2026-03-02T10:00:05.999Z"),
    "action a0 is there 2 times": lambda seen: seen.actions.append(seen.actions[0]),
    "transition r1 is there 2 times": lambda seen: seen.transitions.append(seen.transitions[0]),
    "cart/1/enter'): 2 wanted, 3 found": lambda seen: seen.counts.update(
        {("2026-03-02", "cart/1/enter"): 3}
    ),
    "still in": lambda seen: seen.profiles["ann"][8].append(["i1", "cart"]),
}


@pytest.mark.parametrize("verdict", LIES)
def test_a_lie_is_seen(verdict: str) -> None:
    seen = _world()
    LIES[verdict](seen)

    found = violations(SENT, seen)

    assert any(verdict in line for line in found), found
