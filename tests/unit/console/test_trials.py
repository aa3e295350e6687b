"""`wayline test`, from the command line."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from console.cli.main import run
from tests.unit.replay.benches import documents
from tests.unit.replay.test_trial import FORGETS

PASSES = FORGETS + "expect: {outcome: silent}"
FAILS = FORGETS + "expect: {outcome: ordered}"


def workspace(folder: Path, test: str) -> Path:
    for file, text in documents(test).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return folder


def test_a_passing_test_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", str(workspace(tmp_path, PASSES))]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok    cart: she forgets her cart",
        "      cart, goals never reached: ordered",
        "      cart, exits never taken: unsubscribed",
        f"{tmp_path}: 1 test, 0 failed.",
    ]


def test_a_failure_shows_both_sides_and_the_story(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["test", str(workspace(tmp_path, FAILS) / "maps" / "cart.yaml")]) == 1
    said = capsys.readouterr().out
    assert "FAIL  cart: she forgets her cart\n  maps/cart.yaml:22:14  outcome\n" in said
    assert "      expected     got\n      ordered   |  silent\n" in said
    assert "      +5d 10:30      cart[c1] ends: silent\n" in said


def test_scripts_get_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", str(workspace(tmp_path, FAILS)), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["passed"] is False
    assert said["tests"][0]["failures"][0]["got"] == ["silent"]


def test_a_ci_gets_junit(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    run(["test", str(workspace(tmp_path, FAILS)), "--junit", str(report)])

    suite = ElementTree.parse(report).getroot()[0]
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("cart", "1", "1")
    assert suite[0].get("name") == "she forgets her cart"
    assert "ordered   |  silent" in (suite[0][0].text or "")


def test_what_check_would_say_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = workspace(tmp_path, FORGETS + "expect: {stage: wating}")

    assert run(["test", str(folder)]) == 1
    assert run(["check", str(folder)]) == 1
    assert capsys.readouterr().err.count('There is no stage "wating". Did you mean "waiting"?') == 2


@pytest.mark.parametrize("arguments", [["test", "nowhere"], ["test", "/"]])
def test_without_a_workspace_it_cannot_run(arguments: list[str]) -> None:
    assert run(arguments) == 2


def test_only_tests_of_a_name_are_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(workspace(tmp_path, PASSES))

    assert run(["test", folder, "-k", "FORGETS"]) == 0
    assert run(["test", folder, "-k", "remembers"]) == 1
    assert 'No test has "remembers" in its name.' in capsys.readouterr().err
