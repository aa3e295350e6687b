"""What the catalogue demands of touchpoints when they are stitched."""

from typing import Any

import pytest

from journeys.language.contracts import EventContract
from journeys.language.workspace import compile_settings
from schemas.errors import ContractError

SETTINGS = "workspace: w\ntimezone: UTC\n"
CATALOGUE = """
events:
  free: {properties: {any: text}}
  order.paid:
    properties:
      amount: number
      category: {type: text, one_of: [milk, care]}
      size: {type: integer, one_of: [1, 2]}
    required: [amount]
"""


def contract() -> EventContract:
    documents = {"wayline.yaml": SETTINGS, "catalogue/all.yaml": CATALOGUE}
    return compile_settings(documents).contracts["order.paid"]


def test_a_type_that_demands_nothing_has_no_contract() -> None:
    documents = {"wayline.yaml": SETTINGS, "catalogue/all.yaml": CATALOGUE}

    assert list(compile_settings(documents).contracts) == ["order.paid"]


@pytest.mark.parametrize(
    "properties",
    [{"amount": 1}, {"amount": 0, "category": "milk", "size": 2}, {"amount": 1, "category": None}],
)
def test_what_keeps_its_contract_passes(properties: dict[str, Any]) -> None:
    contract().hold("order.paid", properties)


@pytest.mark.parametrize(
    ("properties", "code", "path"),
    [
        ({}, "missing-property", "/properties/amount"),
        ({"amount": None}, "missing-property", "/properties/amount"),
        ({"amount": 1, "category": "toy"}, "unknown-value", "/properties/category"),
        ({"amount": 1, "size": "1"}, "unknown-value", "/properties/size"),
    ],
)
def test_what_breaks_it_is_refused_at_its_place(
    properties: dict[str, Any], code: str, path: str
) -> None:
    with pytest.raises(ContractError) as refused:
        contract().hold("order.paid", properties)

    assert (refused.value.code, refused.value.path) == (code, path)
