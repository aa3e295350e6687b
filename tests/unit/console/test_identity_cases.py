"""`wayline identity test`: what it says of cases that fail, and that it cannot be fooled."""

import io
from pathlib import Path

import pytest

from console.cli.main import run

CASES = """
defaults: {region: CN}
cases:
- name: two-cookies-of-one-person
  events:
  - {id: e1, ids: ["cookie:a"]}
  - {id: e2, ids: ["cookie:b"]}
  - {id: e3, ids: ["cookie:a", "cookie:b"]}
  expect:
    EXPECTED
- name: parallel-two-logins
  events:
  - parallel:
    - {id: e1, ids: ["cookie:a", "user_id:u"]}
    - {id: e2, ids: ["cookie:b", "user_id:u"]}
  expect: {partition: [["cookie:a", "cookie:b", "user_id:u"]], merge_count: 0}
"""
RIGHT = 'partition: [["cookie:a", "cookie:b"]]\n    merges: [{from: e2, into: e1, at: e3}]'


def test_cases_that_hold_end_with_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = written(tmp_path, RIGHT)

    assert run(["identity", "test", file]) == 0
    assert capsys.readouterr().out == "2 of 2 cases pass on memory\n"


@pytest.mark.parametrize(
    "wrong",
    [
        RIGHT.replace('"cookie:a", "cookie:b"', '"cookie:a"], ["cookie:b"'),
        RIGHT.partition("\n")[0],
        RIGHT.replace("e2, into: e1", "e1, into: e2"),
        RIGHT + '\n    unattached: ["cookie:a"]',
        RIGHT + '\n    shared: ["cookie:a"]',
        RIGHT + '\n    rejected: [{event: e3, id: "cookie:b", reason: stale}]',
        RIGHT + "\n    resolves: {e3: null}",
        RIGHT + "\n    differs: [[e1, e2]]",
        RIGHT + "\n    merge_count: [2, 3]",
    ],
)
def test_a_case_that_does_not_hold_is_told_with_what_was_expected_and_got(
    wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["identity", "test", written(tmp_path, wrong)]) == 1

    said = capsys.readouterr().out
    assert "FAILED two-cookies-of-one-person (as written)" in said
    assert "expected" in said
    assert "got" in said
    assert said.endswith("1 of 2 cases pass on memory\n")


def test_only_the_named_cases_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = written(tmp_path, "partition: []")

    assert run(["identity", "test", file, "--case", "parallel-*"]) == 0
    assert capsys.readouterr().out == "1 of 1 cases pass on memory\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cases: [", "no YAML"),
        ("a: 1", "no `cases`"),
        ("cases: [{name: a}]", "cannot be read"),
        ("cases: [{name: a, events: [], expect: {colour: red}}]", "colour"),
        ("cases: [{name: a, events: [], config: {region: '?'}}]", "region"),
        ("cases: []", "No case"),
    ],
)
def test_a_file_that_cannot_be_read_ends_with_two(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "cases.yaml").write_text(text)

    assert run(["identity", "test", str(tmp_path / "cases.yaml")]) == 2
    assert said in capsys.readouterr().err


def written(folder: Path, expected: str) -> str:
    file = folder / "cases.yaml"
    file.write_text(CASES.replace("EXPECTED", expected))
    return str(file)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["merge", "phone:1"], 2, "two at least"),
        (["unbind", "phone"], 1, "no identifier"),
        (["erase"], 2, "Missing argument"),
    ],
)
def test_what_is_asked_of_identity_wrongly_is_not_sent(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
):
    assert run(["identity", *arguments]) == code
    assert said in capsys.readouterr().err


def test_nobody_is_erased_who_was_not_confirmed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    assert run(["identity", "erase", "phone:1"]) == 1
    assert "Forget the person" in capsys.readouterr().out
