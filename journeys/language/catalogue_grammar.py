"""The words of the catalogue: event types, plain and computed traits, segments."""

import re

from . import tree
from .names import DECLARABLE
from .problems import Problems
from .shapes import (
    Check,
    Shape,
    either,
    event_name,
    expression,
    list_of,
    name,
    one_or_list,
    text,
    value,
    whole,
    word,
)
from .shapes import mapping_of as _mapping_of
from .tree import Node, Scalar

WINDOW = re.compile(r"([1-9][0-9]{0,2})([dh])", re.ASCII)
WINDOW_AT_MOST = 400

_TYPE = word(*DECLARABLE)
_TYPES = one_or_list(event_name, "touchpoint types")


def window(node: Node, problems: Problems) -> None:
    """Whole calendar days or clock hours, at most 400 of them."""
    found = WINDOW.fullmatch(node.text) if isinstance(node, Scalar) else None
    if found is None or int(found[1]) > WINDOW_AT_MOST:
        written = f'"{node.text}"' if isinstance(node, Scalar) else "This"
        mend = "Write whole days or clock hours, at most 400: 90d, 24h."
        problems.add("bad-window", node.place, f"{written} is no window.", mend)


_PROPERTY = either(
    _TYPE,
    Shape("a property", {"type": _TYPE, "one_of": list_of(value, "values")}, required=("type",)),
)
EVENT = Shape(
    "an event type",
    {
        "title": text,
        "properties": _mapping_of(_PROPERTY, name, "properties"),
        "required": one_or_list(name, "properties"),
        "unique_by": one_or_list(name, "properties"),
    },
)
_SHARED: dict[str, Check] = {"when": expression, "in": window}
COUNT = Shape("a count", {"count": _TYPES, **_SHARED}, required=("count",))
FORMULA = Shape("a formula", {"formula": expression, "type": _TYPE}, required=("formula", "type"))


def _over(how: str, **more: Check) -> Shape:
    words: dict[str, Check] = {how: expression, "of": _TYPES, **_SHARED, **more}
    return Shape("a computed trait", words, required=(how, "of"))


COMPUTED: dict[str, Shape] = {
    "count": COUNT,
    **{how: _over(how) for how in ("sum", "min", "max", "first", "last")},
    "distinct": _over("distinct", keep=whole(1, 200)),
    "formula": FORMULA,
}
"""By the word that says how they are computed."""


def trait(node: Node, problems: Problems) -> None:
    """A type, or how the trait is computed."""
    if not isinstance(node, tree.Mapping):
        _TYPE(node, problems)
        return
    found = next((COMPUTED[each] for each in node.names() if each in COMPUTED), None)
    (found or _ANY_COMPUTED)(node, problems)


_ANY_COMPUTED = Shape(
    "a computed trait",
    dict.fromkeys(COMPUTED, expression),
    some=(tuple(COMPUTED),),
)
SEGMENT = Shape("a segment", {"title": text, "when": expression}, required=("when",))
