"""What a test can see of goals, segments and tasks."""

from journeys.language.map_tests import read_tests
from journeys.language.workspace import compile_workspace
from journeys.replay.trial import run_test
from tests.unit.replay.benches import CART, complaints, documents

ASKS = CART.replace(
    "    after: {wait: 3d, end: silent}",
    "    after: {wait: 3d, to: call}\n"
    "  call:\n"
    "    do: [{task: call_her, role: adviser, sla: 1d}]\n"
    "    await: {done: sla, to: called, else: {end: not_called}}\n"
    "  called:\n"
    "    after: {wait: 1d, end: called}",
)


def test_a_task_is_done_and_the_goal_is_credited_to_it() -> None:
    said = complaints(
        """
        name: called, and she orders
        date: "2026-05-04"
        given:
          - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
          - {at: "+5d 11:00", expect: {stage: call, actions: [{send: remind}, {task: call_her}]}}
          - {at: "+5d 12:00", action.done: {of: call_her}}
          - {at: "+5d 18:00", order.paid: {cart: c1, amount: 30}}
        expect:
          goals: [{goal: ordered, credit: call_her, after_end: false}]
          history: [{move: call}, {move: called}, {end: ordered}]
        """,
        ASKS,
    )

    assert said == []


def test_feedback_on_what_has_not_left_is_a_failure() -> None:
    said = complaints(
        """
        name: nobody was asked yet
        date: "2026-05-04"
        given:
          - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
          - {at: "10:00", action.done: {of: call_her}}
        expect: {outcome: not_called}
        """,
        ASKS,
    )

    assert said == ["`action.done`: an action call_her / no action call_her has left by then"]


def test_segments_are_as_of_the_end() -> None:
    texts = documents(
        """
        name: two orders are many
        date: "2026-05-04"
        given:
          - {at: "09:00", order.paid: {cart: c0, amount: 30}}
          - {at: "10:00", expect: {profile: {segments: []}}}
          - {at: "11:00", order.paid: {cart: c1, amount: 30}}
        until: "12:00"
        expect: {profile: {segments: [regulars], traits: {orders: 2}}}
        """
    )
    texts["catalogue/more.yaml"] = (
        "traits: {orders: {count: order.paid}}\n"
        'segments: {regulars: {when: "profile.traits.orders >= 2"}}\n'
    )
    compiled = compile_workspace(texts)
    (test,) = read_tests(compiled)

    assert run_test(texts, compiled, test).failures == ()


def test_a_touchpoint_that_came_too_late_to_win_is_reported() -> None:
    map_ = CART.replace(
        "    on: [{event: cart.filled, restart_timer: true}]",
        "    settle: 10s\n    on:\n      - {event: cart.filled, to: remind}\n"
        "      - {event: consent.withdrawn, to: remind}",
    ).replace("exits:\n  - {event: consent.withdrawn, outcome: unsubscribed}\n", "")
    said = complaints(
        """
        name: the earlier one leads on
        date: "2026-05-04"
        given:
          - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
          - {at: "10:00:03", id: b, cart.filled: {cart: c1, amount: 40}}
          - {at: "10:00:01", arrives: "10:00:05", id: a, cart.filled: {cart: c1, amount: 50}}
        until: "11:00"
        expect:
          stage: remind
          reports: [{report: ambiguous, at: "10:00:03", event: b, taken: a}]
        """,
        map_,
    )

    assert said == []


LATE = CART.replace("max: 9d,", "max: 9d, without: order.paid,")
FORGETS = """
name: her cart is forgotten
date: "2026-05-04"
settings: {sources: {till: {lateness: 6h, brings: [order.paid]}}}
given:
  - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
"""


def test_a_source_that_the_test_does_not_name_is_never_late() -> None:
    assert complaints(FORGETS + 'expect: {actions: [{at: "+2d 10:30"}]}', LATE) == []


def test_a_source_that_the_test_names_is_waited_for() -> None:
    change = "change: {stages: {waiting: {after: {wait: 2d}}}}\n"
    said = complaints(
        FORGETS
        + '  - {at: "+2d 11:00", expect: {awaiting: till, stage: waiting, due: "+2d 10:30"}}\n'
        + '  - {at: "+2d 12:00", watermark: {source: till, upto: "+2d 11:00"}}\n'
        + "expect: {awaiting: null, actions: [{send: remind}]}\n"
        + change,
        LATE,
    )

    assert said == []
