"""The words of blueprints and of the maps that fill them.

What stands in a blueprint besides its parameters is checked when a map has filled it: only then
is it a map.
"""

from collections.abc import Callable
from datetime import date, datetime

from . import tree
from .durations import parse_duration
from .grammar import MAP
from .names import DECLARABLE
from .problems import Problems
from .shapes import Check, Shape, anything, list_of, map_name, mapping_of, name, word
from .signatures import fits, type_of, words_of
from .tree import Node, Scalar

TYPES = ("duration", *DECLARABLE)
PARAMETER = Shape("a parameter", {"type": word(*TYPES), "default": anything}, required=("type",))
_HEAD: dict[str, Check] = {
    "blueprint": map_name,
    "parameters": mapping_of(PARAMETER, name, "parameters"),
}
_OF_ITS_MAPS = ("map", "version", "tests")
"""What only a map made from it has."""
OVERRIDABLE = ("title", "timezone", "priority")
"""What a map made from it may say otherwise."""
BLUEPRINT = Shape(
    "a blueprint",
    {
        **_HEAD,
        **{each: anything for each in MAP.words if each not in _OF_ITS_MAPS},
    },
    required=("blueprint", "enter", "stages"),
)
FILLED = Shape(
    "a map from a blueprint",
    {
        "map": MAP.words["map"],
        "version": MAP.words["version"],
        "blueprint": map_name,
        "fill": mapping_of(anything, name, "parameters"),
        **{each: MAP.words[each] for each in OVERRIDABLE},
        "tests": list_of(anything, "tests"),
    },
    required=("map", "version", "blueprint"),
)


def shape_for(node: Node) -> Shape:
    """Which of the three a document of `maps/` is."""
    names = node.names() if isinstance(node, tree.Mapping) else ()
    if "blueprint" not in names:
        return MAP
    return FILLED if "map" in names else BLUEPRINT


def check_filling(node: Node, wanted: str, what: str, problems: Problems) -> None:
    """Adds a problem unless the value is of the parameter's type."""
    if not _is_of(node, wanted):
        kind = "a duration" if wanted == "duration" else words_of(wanted)  # type: ignore[arg-type]
        problems.add("wrong-type", node.place, f"{what} is {kind}.", f"Write {kind}.")


def _is_of(node: Node, wanted: str) -> bool:
    match wanted, node:
        case ("list", tree.Sequence()) | ("object", tree.Mapping()):
            return True
        case "duration", Scalar():
            return parse_duration(node.text) is not None
        case "date", Scalar():
            return _read(date.fromisoformat, node.text) is not None
        case "time", Scalar():
            found = _read(datetime.fromisoformat, node.text)
            return isinstance(found, datetime) and found.tzinfo is not None
        case _, Scalar():
            return node.value is not None and fits(type_of(node.value), wanted)  # type: ignore[arg-type]
        case _:
            return False


def _read(reader: Callable[[str], date], written: str) -> date | None:
    try:
        return reader(written)
    except ValueError:
        return None
