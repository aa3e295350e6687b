"""The maps of tests/maps/rules: some tests for a rule each, run as a designer runs them."""

from pathlib import Path

import pytest

from journeys.language.map_tests import MapTest, read_tests
from journeys.language.workspace import compile_workspace
from journeys.replay.trial import run_test

FOLDER = Path(__file__).parents[2] / "maps" / "rules"
DOCUMENTS = {
    str(path.relative_to(FOLDER)): path.read_text() for path in sorted(FOLDER.rglob("*.yaml"))
}
COMPILED = compile_workspace(DOCUMENTS)
TESTS = read_tests(DOCUMENTS, COMPILED)


@pytest.mark.parametrize("test", TESTS, ids=lambda test: f"{test.map}: {test.name}")
def test_a_rule_holds(test: MapTest) -> None:
    verdict = run_test(DOCUMENTS, COMPILED, test)

    assert verdict.error is None
    assert [(f.what, f.expected, f.got) for f in verdict.failures] == []


def test_each_rule_has_at_least_five_tests() -> None:
    counts = {file: sum(test.map == each.name for test in TESTS) for each, file in _files()}

    assert {file: count for file, count in counts.items() if count < 5} == {}


def _files():
    return zip(COMPILED.maps, COMPILED.files, strict=True)
