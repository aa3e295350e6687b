"""The schemas that editors read agree with the compiler on the corpus, as far as shape goes."""

from pathlib import Path
from typing import get_args

import jsonschema
import pytest

from console.folders import read_documents
from journeys.language.descriptions import DESCRIPTIONS
from journeys.language.json_schema import ROOTS, Kind, opaque, schema_of, words_of
from journeys.language.problems import Problems
from journeys.language.stores import is_table
from journeys.language.tree import plain, read_tree
from tests.unit.replay.benches import CART

from .corpus import WORKSPACE, cases, documents, problems

EXAMPLES = Path(__file__).parents[3] / "examples"
KINDS: tuple[Kind, ...] = get_args(Kind)
CHECKS = {kind: jsonschema.Draft202012Validator(schema_of(kind)) for kind in KINDS}

SHAPES = {"unknown-word", "wrong-shape", "bad-number"}
"""Codes of what a schema sees too; of the others it sees some."""
BEYOND = {"a-blueprint-filled-with-another-shape"}
"""Of the right type where it is written, and refused where it is filled in."""


def kind_of(file: str) -> Kind:
    match file.partition("/")[0]:
        case "maps":
            return "map"
        case "catalogue":
            return "catalogue"
        case "templates":
            return "templates"
        case _:
            return "workspace"


def faults(file: str, text: str) -> list[str]:
    found = Problems()
    tree = read_tree(text, file, found)
    if tree is None:
        return ["no YAML"]
    return [error.message for error in CHECKS[kind_of(file)].iter_errors(plain(tree))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_a_schema(kind: Kind) -> None:
    schema = schema_of(kind)

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema == schema_of(kind)
    assert schema.get("else", schema)["additionalProperties"] is False


@pytest.mark.parametrize("kind", KINDS)
def test_of_every_word_the_grammar_says_what_it_takes(kind: Kind) -> None:
    assert opaque(kind) == []


def test_the_corpus_s_workspace_is_valid() -> None:
    assert {file: faults(file, text) for file, text in WORKSPACE.items()} == {
        file: [] for file in WORKSPACE
    }


@pytest.mark.parametrize("case", cases("ok"), ids=lambda case: case.stem)
def test_what_the_compiler_takes_is_valid(case: Path) -> None:
    texts = {file: text for file, text in documents(case).items() if not is_table(file)}

    assert {file: found for file in texts if (found := faults(file, texts[file]))} == {}


@pytest.mark.parametrize("case", cases("err"), ids=lambda case: case.stem)
def test_what_the_compiler_refuses_for_its_shape_is_not_valid(case: Path) -> None:
    texts, said = documents(case), problems(case)
    if not said or {each.code for each in said} - SHAPES or case.stem in BEYOND:
        pytest.skip("not, or not only, a matter of shape")

    files = {problem.file for problem in said}
    assert all(faults(file, texts[file]) for file in files if file in texts)


@pytest.mark.parametrize("case", cases("err"), ids=lambda case: case.stem)
def test_what_is_wrong_in_names_alone_is_valid(case: Path) -> None:
    texts, said = documents(case), problems(case)
    if not said or not all(problem.code.startswith("no-such-") for problem in said):
        pytest.skip("not only a matter of names")

    assert {file: found for file in texts if (found := faults(file, texts[file]))} == {}


def test_every_shipped_example_is_valid() -> None:
    for folder in sorted(each.parent for each in EXAMPLES.glob("*/wayline.yaml")):
        for file, text in read_documents(folder).items():
            assert faults(file, text) == [], f"{folder.name}/{file}"


def test_no_word_is_described_that_does_not_exist() -> None:
    known = {pair for kind in ROOTS for pair in words_of(kind)}
    shapes = {what for what, _ in known}

    described = {pair for pair in DESCRIPTIONS if pair[0]}
    assert described - known == set()
    assert {word for what, word in DESCRIPTIONS if not what} <= {word for _, word in known}
    assert {"a map", "a stage", "a timer", "a send"} <= shapes


def test_most_words_of_a_map_are_described() -> None:
    known = words_of("map")
    silent = {
        (w, n) for w, n in known if (w, n) not in DESCRIPTIONS and ("", n) not in DESCRIPTIONS
    }

    assert {word for what, word in silent if what in ("a map", "a stage", "a timer")} == set()


def test_a_schema_says_what_is_wrong_where_the_compiler_does() -> None:
    text = CART.replace("reentry:", "reentri:")

    (said,) = faults("maps/cart.yaml", text)
    assert "reentri" in said
