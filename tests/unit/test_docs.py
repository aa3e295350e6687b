"""What the documents say of this repository is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = sorted(
    set(re.findall(r"`(tests/\S+\.py)::(\w+)`", (ROOT / "docs/operators/faults.md").read_text()))
)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_a_fault_names_is_there(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / file).read_text()


def test_faults_name_tests() -> None:
    assert len(NAMED) > 10
