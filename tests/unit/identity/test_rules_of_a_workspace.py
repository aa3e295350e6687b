"""Mistakes in the `identity` of wayline.yaml are told where they stand."""

import pytest

from journeys.language.problems import MapError
from streams.identity_rules import check_identity

SETTINGS = """workspace: shop
timezone: UTC
channels: {sms: {identifier: phone}}
identity:
  max_merges: "3"
  namespaces:
    phone: {rang: 3}
    openid.*: {limit: "1"}
    badge: {cls: person}
  sources: {pos: cookie}
"""


def test_each_mistake_is_at_its_word_or_its_value():
    with pytest.raises(MapError) as refused:
        check_identity({"wayline.yaml": SETTINGS})

    found = [(problem.line, problem.col, problem.code) for problem in refused.value.problems]
    assert found == [
        (5, 15, "wrong-shape"),
        (7, 13, "unknown-word"),
        (8, 23, "wrong-shape"),
        (9, 5, "missing-word"),
        (10, 18, "wrong-shape"),
    ]
    assert all(problem.what and problem.mend for problem in refused.value.problems)


@pytest.mark.parametrize("identity", ["", "identity: {max_merges: 7}\n"])
def test_what_is_right_or_left_out_is_no_mistake(identity: str):
    check_identity({"wayline.yaml": f"workspace: shop\n{identity}"})
