from typing import Any, get_args

import pytest

from journeys.language.durations import parse_duration, parse_time_of_day
from journeys.language.model import Duration
from journeys.language.problems import (
    PROBLEMS_AT_MOST,
    Code,
    MapError,
    Place,
    Problems,
    as_json,
    nearest,
    render,
)
from journeys.language.tree import NODE_LIMIT, SIZE_LIMIT, TAG_LIMIT, plain, read_tree


def read(text: str) -> Any:
    problems = Problems()
    tree = read_tree(text, "f.yaml", problems)
    problems.raise_if_any()
    return None if tree is None else plain(tree)


def code_of(text: str) -> str:
    with pytest.raises(MapError) as refused:
        read(text)
    return refused.value.problems[0].code


def test_words_are_those_of_yaml_1_2() -> None:
    text = (
        "{a: on, b: no, c: 12:30, d: 0x1f, e: 0o17, f: 1e3, g: ~, h: TRUE, i: .nan, j: 2026-03-01}"
    )

    assert read(text) == {
        "a": "on",
        "b": "no",
        "c": "12:30",
        "d": 31,
        "e": 15,
        "f": 1000.0,
        "g": None,
        "h": True,
        "i": ".nan",
        "j": "2026-03-01",
    }


def test_numbers_no_json_could_carry_are_texts() -> None:
    assert read("[1e999, " + "9" * 5000 + "]") == ["1e999", "9" * 5000]


def test_an_alias_is_read_where_it_stands() -> None:
    assert read("{a: &x [1, 2], b: *x}") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 50_000, "too-deep"),
        ("a: &a [*a]", "too-many-aliases"),
        ("[&a x" + ", *a" * 101 + "]", "too-many-aliases"),
        ("x" * (SIZE_LIMIT + 1), "too-large"),
        ("a: \ud800", "yaml-syntax"),
        ("a: \x07", "yaml-syntax"),
        ("a: !!int x", "yaml-syntax"),
        ("a: !python/object:os.system {}", "yaml-syntax"),
        ("--- a\n--- b", "yaml-syntax"),
        ("? [a]\n: b", "yaml-syntax"),
        ("", "yaml-syntax"),
        ("{a: 1, a: 2}", "duplicate-key"),
        ("{after:10}", "key-without-value"),
    ],
)
def test_what_is_no_document_is_refused(text: str, code: str) -> None:
    assert code_of(text) == code


def test_aliases_of_aliases_do_not_grow() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    assert code_of("\n".join(lines)) == "too-many-aliases"


def test_a_file_of_many_nodes_is_refused_where_one_is_too_many_before_it_is_composed() -> None:
    with pytest.raises(MapError) as refused:
        read("[" + "x," * 500_000)  # no end: a composer would find that first

    (problem,) = refused.value.problems
    assert (problem.code, problem.col) == ("too-large", 1 + 2 * (NODE_LIMIT - 1) + 1)


def test_a_line_of_ten_megabytes_is_not_repeated_in_what_is_said_of_it() -> None:
    with pytest.raises(MapError) as refused:
        read("a: " + "x" * 10_000_000)

    assert len(str(refused.value)) < 200
    assert refused.value.problems[0].source == ""


def test_a_file_of_many_liquid_tags_is_refused() -> None:
    assert code_of('a: "' + "{{ x }}" * (TAG_LIMIT + 1) + '"') == "too-large"
    assert read('a: "' + "{{ x }}" * TAG_LIMIT + '"')


def test_no_more_problems_are_looked_for_than_anybody_reads() -> None:
    problems = Problems()
    for number in range(PROBLEMS_AT_MOST):
        problems.add("bad-name", Place("f", number, 1, 1, ""), "What.", "Mend.")
    with pytest.raises(MapError) as refused:
        problems.add("bad-name", Place("f", 1_000, 1, 1, ""), "What.", "Mend.")

    assert len(refused.value.problems) == PROBLEMS_AT_MOST


def test_what_is_near_is_looked_for_among_some_names_only() -> None:
    assert nearest("x500000", [f"x{number:06}" for number in range(1_000)]).startswith("Did you")
    assert nearest("short", ["far longer than what was written"]).startswith("There is")


def test_problems_come_sorted_by_file_and_place() -> None:
    problems = Problems()
    for file in ("b.yaml", "a.yaml"):
        read_tree("{x: 1, x: 2}\n", file, problems)
    with pytest.raises(MapError) as refused:
        problems.raise_if_any()

    assert [(each.file, each.line, each.col) for each in refused.value.problems] == [
        ("a.yaml", 1, 8),
        ("b.yaml", 1, 8),
    ]


def test_the_mark_stands_under_chinese_words_too() -> None:
    with pytest.raises(MapError) as refused:
        read("{名字: 李, 名字: 王}")

    assert render(refused.value.problems[0]).splitlines()[1:] == [
        "1 | {名字: 李, 名字: 王}",
        "  |            ^~~~",
    ]


def test_a_problem_is_data_for_scripts() -> None:
    with pytest.raises(MapError) as refused:
        read("{a: 1, a: 2}")

    assert as_json(refused.value.problems[0]) == {
        "file": "f.yaml",
        "line": 1,
        "col": 8,
        "length": 1,
        "code": "duplicate-key",
        "what": '"a" stands here twice.',
        "mend": "Keep one of them.",
        "source": "{a: 1, a: 2}",
        "severity": "error",
        "maps": (),
    }


def test_codes_are_unique_and_sorted() -> None:
    codes = list(get_args(Code))

    assert codes == sorted(set(codes))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", Duration("90s", millis=90_000)),
        ("15m", Duration("15m", millis=900_000)),
        ("24h", Duration("24h", millis=86_400_000)),
        ("PT36H", Duration("PT36H", millis=129_600_000)),
        ("PT5M", Duration("PT5M", millis=300_000)),
        ("1d", Duration("1d", days=1)),
        ("2w", Duration("2w", days=14)),
        ("P2W", Duration("P2W", days=14)),
        ("3mo", Duration("3mo", months=3)),
        ("P1M", Duration("P1M", months=1)),
        ("1y", Duration("1y", months=12)),
        ("1d12h", None),
        ("1.5h", None),
        ("-1d", None),
        ("1 d", None),
        ("5", None),
        ("101y", None),
        ("٣d", None),
    ],
)
def test_a_duration_has_one_unit(text: str, expected: Duration | None) -> None:
    assert parse_duration(text) == expected


def test_a_time_of_day_has_two_digits_each() -> None:
    assert [str(parse_time_of_day(each)) for each in ("09:30", "23:59:59", "9:30", "24:00")] == [
        "09:30:00",
        "23:59:59",
        "None",
        "None",
    ]
