"""The examples of docs/developers/touchpoints.md are decoded, so that the page cannot lie."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from schemas.intake import Mapping, Raw, compile_mapping, decode
from schemas.touchpoint import Millis, Touchpoint

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "developers" / "touchpoints.md").read_text()
NOW = Millis(1_772_400_000_000)
AT_HALF_PAST = 1_772_335_800_000
REFUSALS = {"ContractError", "Unfit", "Refused"}


def _mappings() -> dict[str, Mapping]:
    found: dict[str, Mapping] = {}
    for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        for name, entry in yaml.safe_load(text)["sources"].items():
            found[name] = compile_mapping(name, entry)
    return found


def _decoded(text: str, headers: Any = (), mapping: Mapping | None = None) -> Touchpoint:
    raw = Raw("touchpoints", 0, 1, NOW - 5, None, text.encode(), headers)
    return decode(raw, mapping, NOW)


def test_every_example_is_taken_in_its_form() -> None:
    examples = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    written = re.search(r"```\n(ce_specversion.*?)```", PAGE, re.DOTALL)
    assert written
    pairs = re.findall(r"(\S+): (\S+)", written[1])
    headers = tuple((name, value.encode()) for name, value in pairs)
    mappings = _mappings()
    *plain, binary, change, receipt, result = examples

    told = [_decoded(text) for text in plain]
    event = _decoded(binary, headers)
    row = _decoded(change, mapping=mappings["orders"])
    paid = _decoded(receipt, mapping=mappings["till"])

    types = "order.paid card.scanned order_completed identify alias group page screen order.paid"
    assert " ".join(touchpoint.type for touchpoint in told) == types
    assert event == told[-1]
    assert event.properties == {"tenant": "acme", "amount": 199.0}
    assert (row.type, row.properties) == (
        "order.changed",
        {"order_id": 7, "was": "new", "is": "paid"},
    )
    assert _decoded(result).properties["hard"] is True
    assert (paid.source, paid.id, paid.time) == ("till", "9912", AT_HALF_PAST)
    assert told[0].time == event.time == paid.time


def test_the_mapping_of_events_is_one() -> None:
    text = (
        '{"specversion":"1.0","id":"1","source":"/x","type":"a","subject":"u","data":{"total":"5"}}'
    )

    touchpoint = _decoded(text, mapping=_mappings()["shop"])

    assert (touchpoint.id, touchpoint.properties) == ("/x#1", {"amount": 5})
    assert touchpoint.identifiers == {"user_id": ("u",)}


def _codes() -> Iterator[str]:
    for folder in ("schemas", "streams", "console"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in REFUSALS:
                    yield from [
                        argument.value
                        for argument in node.args[:2]
                        if isinstance(argument, ast.Constant)
                        and isinstance(argument.value, str)
                        and re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", argument.value)
                    ]


def test_the_page_explains_every_code_and_no_other() -> None:
    table = PAGE.split("| Code | The record |")[1].split("## Schemas")[0]
    cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    explained = [code for cell in cells for code in re.findall(r"`([\w-]+)`", cell)]

    assert sorted(explained) == sorted(set(_codes()))
