from journeys.language.workspace import compile_workspace
from journeys.replay.coverage import coverage_of
from tests.unit.replay.benches import documents, verdict
from tests.unit.replay.test_trial import FORGETS


def test_what_no_test_reached_is_named() -> None:
    test = (
        'name: pays at once\ndate: "2026-05-04"\ngiven:\n'
        '  - {at: "09:00", cart.filled: {cart: c1, amount: 30}}\n'
        '  - {at: "09:10", order.paid: {cart: c1, amount: 30}}\n'
        "expect: {outcome: ordered}\n"
    )
    (map_,) = compile_workspace(documents(test)).maps

    pays, forgets = verdict(test), verdict(FORGETS + "expect: {outcome: silent}")
    leaves = verdict(test.replace("order.paid: {cart: c1, amount: 30}", "consent.withdrawn: {}"))

    found = coverage_of(map_, pays.rows)
    assert (found.stages, found.ways, found.goals) == (("remind",), ("waiting → remind",), ())
    assert found.exits == ("unsubscribed",)
    assert coverage_of(map_, [*pays.rows, *forgets.rows, *leaves.rows]).is_full
    assert coverage_of(map_, []).goals == ("ordered",)
