"""Other rules of identity, tried on touchpoints before switching to them."""

import json
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import run
from console.rehearsing import Rehearsal, Said, as_json, lines, rehearse
from journeys.identity.config import DEMO_KEY, identity_config
from schemas.touchpoint import Millis

LAX: dict[str, Any] = {}
STRICT = {"namespaces": {"email": {"link": "attach"}}}
"""An address finds a person, and never makes two of them one."""

ANN, BEA = {"cookie": ("c-ann-0001",)}, {"user_id": ("u-bea-0001",)}
HOUSEHOLD = {"email": ("family@example.com",)}


def _said(*whos: dict[str, tuple[str, ...]]) -> list[Said]:
    return [
        Said(who, Millis(1_000_000 * number), f"t{number}", "shop", ())
        for number, who in enumerate(whos, start=1)
    ]


async def _rehearsed(now: dict[str, Any], then: dict[str, Any]) -> Rehearsal:
    said = _said(HOUSEHOLD, BEA, ANN | HOUSEHOLD, BEA | HOUSEHOLD)
    rules = [identity_config(rules, DEMO_KEY) for rules in (now, then)]
    return await rehearse(said, rules[0], rules[1], lambda *_: None)


async def test_people_whom_only_the_present_rules_make_one_are_told() -> None:
    found = await _rehearsed(LAX, STRICT)

    assert (found.now.profiles, found.then.profiles) == (1, 2)
    assert (len(found.joined), len(found.parted)) == (0, 1)
    assert found.then.refused == {"attach_only": 1}
    assert found.now.merges == found.then.merges + 1


async def test_people_whom_only_the_other_rules_make_one_are_told() -> None:
    found = await _rehearsed(STRICT, LAX)

    assert (len(found.joined), len(found.parted)) == (1, 0)
    [pieces] = found.joined
    assert sorted(map(sorted, pieces)) == [
        ["cookie:c-ann-0001", "email:family@example.com"],
        ["user_id:u-bea-0001"],
    ]


async def test_the_same_rules_make_the_same_people() -> None:
    found = await _rehearsed(LAX, LAX)

    assert list(lines(found, reveal=False))[-1] == "The same people."


async def test_an_identifier_that_becomes_nobodys_is_parted_from_whom_it_was() -> None:
    found = await _rehearsed(LAX, {"namespaces": {"cookie": {"link": "never"}}})

    assert not found.same
    [pieces] = found.parted
    assert frozenset({"cookie:c-ann-0001"}) in pieces


async def test_identifiers_are_masked_unless_revealed() -> None:
    found = await _rehearsed(LAX, STRICT)

    hidden = str(as_json(found, reveal=False)) + "\n".join(lines(found, reveal=False))
    shown = str(as_json(found, reveal=True)) + "\n".join(lines(found, reveal=True))

    assert "family@example.com" not in hidden
    assert "c-ann-0001" not in hidden
    assert "email:family@example.com" in shown


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rows = [
        {"id": f"{n}", "type": "seen", "source": "shop", "identifiers": identifiers}
        for n, identifiers in enumerate(
            [
                {"email": "family@example.com"},
                {"user_id": "u-bea-0001"},
                {"user_id": "u-bea-0001", "email": "family@example.com"},
            ]
        )
    ]
    text = "\n".join([*map(json.dumps, rows), "no touchpoint"])
    (tmp_path / "seen.jsonl").write_text(text)
    (tmp_path / "strict.yaml").write_text("identity: {namespaces: {email: {link: attach}}}\n")
    (tmp_path / "wrong.yaml").write_text("max_merges: none\n")
    return tmp_path


def test_a_file_is_rehearsed_without_kafka_and_redis(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ["identity", "rehearse", str(files / "strict.yaml")]

    code = run([*told, "--source", str(files / "seen.jsonl"), "--json"])

    found = json.loads(capsys.readouterr().out)
    assert code == 1
    assert (found["touchpoints"], found["unread"]) == (3, 1)
    assert (found["now"]["profiles"], found["then"]["profiles"], found["parted"]) == (1, 2, 1)


def test_rules_with_problems_are_refused_with_all_of_them(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ["identity", "rehearse", str(files / "wrong.yaml")]

    code = run([*told, "--source", str(files / "seen.jsonl")])

    assert code == 1
    assert "max_merges" in capsys.readouterr().err


@pytest.mark.parametrize("where", [[], ["--inbox", "--source", "seen.jsonl"]])
def test_one_place_has_to_be_said(files: Path, where: list[str]) -> None:
    assert run(["identity", "rehearse", str(files / "strict.yaml"), *where]) == 2
