from pathlib import Path
from typing import get_args

import pytest

from journeys.language.problems import Code
from journeys.language.workspace import compile_workspace

from .corpus import cases, compiled, described, documents, problems, said


@pytest.mark.parametrize("case", cases("err"), ids=lambda case: case.stem)
def test_a_bad_map_is_refused_in_these_words(case: Path) -> None:
    assert said(case) == case.with_suffix(".out").read_text()
    assert said(case) != ""


@pytest.mark.parametrize("case", cases("warn"), ids=lambda case: case.stem)
def test_a_doubtful_map_is_warned_of_and_compiles(case: Path) -> None:
    compile_workspace(documents(case))

    assert said(case) == case.with_suffix(".out").read_text()
    assert {problem.severity for problem in problems(case)} == {"warning"}


@pytest.mark.parametrize("case", cases("ok"), ids=lambda case: case.stem)
def test_a_good_map_compiles_to_this(case: Path) -> None:
    assert described(compiled(case)) == case.with_suffix(".out").read_text()
    assert problems(case) == ()


def test_every_code_is_said_somewhere() -> None:
    every = (*cases("err"), *cases("warn"))
    found = {problem.code for case in every for problem in problems(case)}

    # A file of more than 1 MiB is made where it is tested.
    assert set(get_args(Code)) - found == {"too-large"}


def test_every_code_heads_a_paragraph_of_the_docs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "designers" / "errors.md").read_text()
    headed = [line[4:].strip("`") for line in page.splitlines() if line.startswith("### ")]

    assert headed == sorted(get_args(Code))
