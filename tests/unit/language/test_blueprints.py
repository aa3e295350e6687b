from collections.abc import Iterator

import pytest

from journeys.language.blueprints import blueprints_of, fill
from journeys.language.problems import MapError, Problems
from journeys.language.tree import SIZE_LIMIT, Node, mapping, plain, read_tree
from journeys.language.workspace import compile_map, compile_settings, compile_workspace

from .corpus import WORKSPACE

BLUEPRINT = """blueprint: reminder
parameters:
  patience: {type: duration, default: 10d}
  title: {type: text, default: "${patience}"}
enter: {event: cart.filled}
stages:
  waiting:
    title: "${title}"
    after: {wait: "${patience}", end: over}
"""
CART = "map: cart\nversion: 1\nblueprint: reminder\nfill: {patience: 2d}\n"


def folder(blueprint: str = BLUEPRINT, cart: str = CART) -> dict[str, str]:
    return {**WORKSPACE, "maps/reminder.yaml": blueprint, "maps/cart.yaml": cart}


def tree_of(text: str, file: str = "maps/x.yaml") -> Node:
    found = read_tree(text, file, Problems())
    assert found is not None
    return found


def texts_in(node: object) -> Iterator[str]:
    match node:
        case dict():
            for each in node.values():
                yield from texts_in(each)
        case list():
            for each in node:
                yield from texts_in(each)
        case _:
            yield str(node)


def test_a_filled_map_compiles_by_itself_as_it_does_in_its_folder() -> None:
    compiled = compile_workspace(folder())

    (map_,), (file,), (text,) = compiled.maps, compiled.files, compiled.texts
    alone = compile_map(text, file, compile_settings(WORKSPACE))
    assert file == "maps/cart.yaml"
    assert alone == map_


def test_a_change_of_the_blueprint_changes_its_maps_and_a_comment_does_not() -> None:
    before = compile_workspace(folder()).maps[0].digest
    commented = compile_workspace(folder(BLUEPRINT + "# a comment\n")).maps[0].digest
    changed = compile_workspace(folder(BLUEPRINT.replace("end: over", "end: gone")))

    assert commented == before
    assert changed.maps[0].digest != before


def test_a_default_that_nobody_uses_changes_no_map() -> None:
    before = compile_workspace(folder()).maps[0].digest
    changed = compile_workspace(folder(BLUEPRINT.replace("10d", "11d")))

    assert changed.maps[0].digest == before


def test_what_fills_a_hole_is_not_read_for_holes_again() -> None:
    map_ = compile_workspace(folder()).maps[0]

    assert map_.stages["waiting"].title == "${patience}"


def test_what_a_blueprint_grows_to_is_bounded_while_it_grows() -> None:
    many = ", ".join(['"${words}"'] * 5_000)
    big = f"blueprint: big\nparameters: {{words: {{type: list}}}}\nenter: [{many}]\nstages: {{}}\n"
    words = ", ".join(["word"] * 5_000)
    written = f"map: m\nversion: 1\nblueprint: big\nfill: {{words: [{words}]}}\n"
    problems = Problems()
    blueprints = blueprints_of([mapping(tree_of(big))], problems)

    assert fill(mapping(tree_of(written)), blueprints, problems) is None
    with pytest.raises(MapError) as refused:
        problems.raise_if_any()
    (problem,) = refused.value.problems
    # Each of the 5,000 holes would take 25 kB: it ends at the first that does not fit into a file.
    fitting = SIZE_LIMIT // (5_000 * 5 + 1)
    assert problem.code == "too-large"
    assert problem.col == len("enter: [") + fitting * len('"${words}", ') + 1


def test_a_fill_as_large_as_a_file_may_be_is_filled_in_once() -> None:
    title = "x" * 100_000
    compiled = compile_workspace(folder(cart=CART.replace("2d}", f"2d, title: {title}}}")))

    assert list(texts_in(plain(tree_of(compiled.texts[0])))).count(title) == 1


def test_blueprints_alone_make_no_map() -> None:
    compiled = compile_workspace({**WORKSPACE, "maps/reminder.yaml": BLUEPRINT})

    assert compiled.maps == ()
