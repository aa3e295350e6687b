"""What the designers' pages say is done, and prints what they say it prints."""

import re
from pathlib import Path

import pytest

from journeys.language.map_tests import read_tests
from journeys.language.workspace import compile_workspace
from journeys.replay.trial import run_test

from .pages import DOCS, PAGES, followed

RECIPES = (DOCS / "recipes.md").read_text()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_true(name: str, tmp_path: Path) -> None:
    shown = followed((DOCS / name).read_text(), tmp_path)

    assert shown
    assert [each.printed for each in shown] == [each.written for each in shown]


def test_every_recipe_passes_its_tests() -> None:
    settings, catalogue, templates, *maps = re.findall(r"```yaml\n(.*?)```", RECIPES, re.DOTALL)
    texts = {
        "wayline.yaml": settings,
        "catalogue/events.yaml": catalogue,
        "templates/texts.yaml": templates,
        **{f"maps/{index}.yaml": text for index, text in enumerate(maps)},
    }
    compiled = compile_workspace(texts)
    verdicts = [run_test(texts, compiled, test) for test in read_tests(compiled)]

    assert len(maps) >= 6
    assert {verdict.test.map for verdict in verdicts} == {each.name for each in compiled.maps}
    failed = {v.test.name: v.failures or v.error for v in verdicts if not v.passed}
    assert failed == {}
