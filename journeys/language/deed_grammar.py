"""The words of what a map does besides sending: facts, touchpoints of its own, other maps."""

from .shapes import (
    Check,
    Shape,
    event_name,
    expression,
    map_name,
    mapping_of,
    name,
    one_or_list,
    value,
)

_WITH: dict[str, Check] = {"with": mapping_of(value, name, "values")}
_TAGS = one_or_list(name, "tags")

CHANGE = Shape(
    "a change of facts",
    {"set": mapping_of(value, name, "traits"), "tag": _TAGS, "untag": _TAGS},
    some=(("set", "tag", "untag"),),
)
EMIT = Shape("an emission", {"emit": event_name, **_WITH}, required=("emit",))
START = Shape("a start", {"start": map_name, "key": expression, **_WITH}, required=("start",))

DEEDS: dict[str, Shape] = {
    "set": CHANGE,
    "tag": CHANGE,
    "untag": CHANGE,
    "emit": EMIT,
    "start": START,
}
"""By the word that begins them."""
