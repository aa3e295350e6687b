"""The maps of tests/maps/rules: some tests for a rule each, run as a designer runs them."""

from collections import Counter

import pytest

from journeys.language.map_tests import MapTest
from journeys.replay.trial import run_test
from tests.maps.rules import COMPILED, DOCUMENTS, TESTS, rule_of

RULES = 21


@pytest.mark.parametrize("test", TESTS, ids=lambda test: f"{rule_of(test)} {test.name}")
def test_a_rule_holds(test: MapTest) -> None:
    verdict = run_test(DOCUMENTS, COMPILED, test)

    assert verdict.error is None
    assert [(f.what, f.expected, f.got) for f in verdict.failures] == []


def test_each_rule_has_at_least_five_tests() -> None:
    counts = Counter(map(rule_of, TESTS))

    assert [n for n in range(1, RULES + 1) if counts[n] < 5] == []
