"""The maps of tests/maps/rules: some tests for a rule each, run as a designer runs them."""

from collections import Counter

import pytest

from journeys.language.map_tests import MapTest
from journeys.replay.trial import run_test
from tests.maps.rules import COMPILED, DOCUMENTS, TESTS, rule_of
from tests.maps.rules.mutants import MUTANTS, Mutant
from tests.maps.rules.mutating import ENGINE, PAGE, ROOT, broken

RULES = 21
LISTED = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines()[7:]]


@pytest.mark.parametrize("test", TESTS, ids=lambda test: f"{rule_of(test)} {test.name}")
def test_a_rule_holds(test: MapTest) -> None:
    verdict = run_test(DOCUMENTS, COMPILED, test)

    assert verdict.error is None
    assert [(f.what, f.expected, f.got) for f in verdict.failures] == []


def test_each_rule_has_at_least_five_tests() -> None:
    counts = Counter(map(rule_of, TESTS))

    assert [n for n in range(1, RULES + 1) if counts[n] < 5] == []


def test_each_rule_has_at_least_two_mutants() -> None:
    counts = Counter(mutant.rule for mutant in MUTANTS)

    assert [n for n in range(1, RULES + 1) if counts[n] < 2] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.rule} {mutant.what}")
def test_what_a_mutant_breaks_is_there(mutant: Mutant) -> None:
    text = (ROOT / ENGINE / mutant.file).read_text()

    assert broken(mutant, text) != text


def test_the_page_lists_all_mutants_and_tests_that_exist() -> None:
    tests = {f"{rule_of(test)}: {test.name}" for test in TESTS}

    assert [line[:2] for line in LISTED] == [[str(each.rule), each.what] for each in MUTANTS]
    assert [line[2] for line in LISTED if line[2] not in tests] == []
