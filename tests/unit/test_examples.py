"""The shipped examples: checked, their tests run, and no map of the five without one."""

from pathlib import Path

import pytest

from console.trials import open_bench, run_all

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(each.parent for each in EXAMPLES.glob("*/wayline.yaml"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_example_passes_its_tests(folder: Path) -> None:
    report = run_all(open_bench(folder))

    failed = {v.test.name: v.failures or v.error for v in report.verdicts if not v.passed}
    assert failed == {}


def test_the_tests_of_the_five_brands_reach_every_stage_and_goal() -> None:
    bench = open_bench(EXAMPLES / "brands")
    coverage = run_all(bench).coverage

    assert {*coverage} == {each.name for each in bench.compiled.maps}
    assert {n: (c.stages, c.goals) for n, c in coverage.items() if c.stages or c.goals} == {}
