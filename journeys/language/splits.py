"""Splits of a map: their names, arms and weights."""

from collections.abc import Collection, Iterable
from typing import Literal

from .model import Arm, Split
from .problems import Problems
from .tree import Mapping as Tree
from .tree import Scalar, mapping, scalar
from .ways import way


def split_names(stages: Iterable[Tree], problems: Problems) -> frozenset[str]:
    """Names are unique in a map: an arm is remembered by its split's."""
    names: dict[str, Scalar] = {}
    for node in stages:
        if "split" in node:
            name = scalar(mapping(node["split"])["name"])
            if name.text in names:
                what = f'The split "{name.text}" is written twice.'
                problems.add("duplicate-name", name.place, what, "Rename one of them.")
            names[name.text] = name
    return frozenset(names)


def compile_split(node: Tree, stages: Collection[str], has_key: bool, problems: Problems) -> Split:
    """The split of a stage; arms as written."""
    by = node.get("by")
    by_key = by is not None and scalar(by).text == "key"
    if by_key and not has_key:
        what = "This map has no key to split by."
        mend = "Give its entries a `key`, or leave `by` out."
        problems.add("bad-split", node.key("by").place, what, mend)
    entries = mapping(node["arms"]).entries
    arms = tuple(_arm(key.text, mapping(arm), stages, problems) for key, arm in entries)
    if not sum(arm.weight for arm in arms):
        what, mend = "All arms weigh nothing.", "Give one of them a `weight` above 0."
        problems.add("bad-split", node.key("arms").place, what, mend)
    of: Literal["person", "key"] = "key" if by_key else "person"
    salt = node.get("salt")
    return Split(scalar(node["name"]).text, "" if salt is None else scalar(salt).text, of, arms)


def _arm(name: str, node: Tree, stages: Collection[str], problems: Problems) -> Arm:
    go, weight = way(node, stages, problems), scalar(node["weight"]).value
    assert go is not None
    assert isinstance(weight, int)
    return Arm(name, weight, go)
