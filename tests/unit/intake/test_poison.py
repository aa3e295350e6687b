"""What breaks the contract is refused, each by its own code, and nothing else is raised."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ContractError
from schemas.intake import Raw, decode
from schemas.intake.document import read_object
from tests.poison import POISON, Poison

NOW = 1_772_400_000_000


@pytest.mark.parametrize("poison", POISON, ids=lambda p: p.name)
def test_a_poisonous_record_is_refused_by_its_code(poison: Poison) -> None:
    raw = Raw("touchpoints", 0, 7, NOW, None, poison.value, poison.headers)

    with pytest.raises(ContractError) as refused:
        decode(raw, None, NOW)

    assert refused.value.code == poison.code
    assert refused.value.what.endswith((".", "?"))
    assert refused.value.mend.endswith(".")


def test_the_table_is_long_and_names_each_row_once() -> None:
    assert len(POISON) >= 40
    assert len({p.name for p in POISON}) == len(POISON)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_contract_error(value: bytes) -> None:
    with suppress(ContractError):
        decode(Raw("touchpoints", 0, 7, NOW, None, value), None, NOW)


_scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text()
_values = _scalars | st.lists(_scalars, max_size=2) | st.dictionaries(st.text(), _scalars)


@given(st.dictionaries(st.sampled_from(["type", "id", "time", "identifiers", "traits"]), _values))
def test_no_object_raises_anything_but_a_contract_error(document: dict[str, object]) -> None:
    with suppress(ContractError):
        decode(Raw("t", 0, 7, NOW, None, json.dumps(document).encode()), None, NOW)


_keys = st.sampled_from(["a", "b", 'c"', "d:", "e f"])


@st.composite
def _object_text(draw: st.DrawFn, depth: int = 2) -> tuple[str, bool]:
    """A JSON object as text with random spaces, and whether some object in it has a key twice."""
    names = draw(st.lists(_keys, max_size=4))
    twice = len(set(names)) < len(names)
    parts = []
    for name in names:
        inner = json.dumps(draw(st.sampled_from([1, '":', " :", '"x":1'])))
        if depth and draw(st.booleans()):
            inner, deeper = draw(_object_text(depth=depth - 1))
            twice = twice or deeper
        blanks = draw(st.lists(st.sampled_from(["", " ", "\n", "\t"]), min_size=3, max_size=3))
        parts.append(f"{blanks[0]}{json.dumps(name)}{blanks[1]}:{blanks[2]}{inner}")
    return "{" + ",".join(parts) + "}", twice


@given(_object_text())
def test_a_key_that_is_there_twice_is_always_found(case: tuple[str, bool]) -> None:
    text, twice = case

    try:
        read_object(text.encode())
        found = False
    except ContractError as error:
        found = error.code == "duplicate-key"

    assert found == twice
