"""The protocol's protections hold, and each of them is needed.

PROTOCOL_MODEL=deep searches with one fault more at once: an hour, not two minutes.
"""

import os

import pytest

from .runs import LIMITS, MUTANTS, Run, safe_runs
from .search import search
from .state import Found, Protections
from .worlds import WORLDS

DEEP = os.environ.get("PROTOCOL_MODEL") == "deep"
MOST = 3_000_000 if DEEP else 300_000
SAFE = safe_runs(DEEP)


def _named(runs: list[Run]) -> dict:
    return {"argvalues": runs, "ids": [run.name for run in runs]}


def _searched(run: Run) -> list[Found]:
    """What each world and budget gave, up to the first violation."""
    rules, all_found = Protections(**run.changed), []
    for world, budgets in run.worlds:
        for budget in budgets:
            found = search(rules, WORLDS[world], budget, MOST)
            all_found.append(found)
            if found.broken:
                return all_found
    return all_found


@pytest.mark.slow
@pytest.mark.timeout(0 if DEEP else 300)
@pytest.mark.parametrize("run", **_named(SAFE))
def test_no_interleaving_breaks_an_invariant(run: Run) -> None:
    for found in _searched(run):
        assert not found.broken, "\n".join([*found.trace, found.broken])
        assert not found.capped, f"not searched to its end: {found.states} states"
        assert found.full_ends, "vacuous: no end in which all faults were used"


@pytest.mark.parametrize("run", **_named(MUTANTS))
def test_a_protection_left_out_is_missed(run: Run) -> None:
    found = _searched(run)[-1]

    assert (found.broken or "nothing").startswith(run.breaks)


@pytest.mark.parametrize("run", **_named(LIMITS))
def test_what_is_not_promised_does_happen(run: Run) -> None:
    found = _searched(run)[-1]

    assert (found.broken or "nothing").startswith(run.breaks)


def test_every_protection_has_its_mutant() -> None:
    left_out = {name for run in MUTANTS for name in run.changed}

    assert left_out == set(Protections.__dataclass_fields__)
