"""Ways on as written: `to` a stage of the map, or the `end`."""

from collections.abc import Collection

from .model import End, Go, To
from .problems import Problems, nearest
from .tree import Mapping as Tree
from .tree import Scalar, mapping, scalar


def way(node: Tree, stages: Collection[str], problems: Problems) -> Go | None:
    """Where `to` or `end` of this mapping leads; None if it has neither."""
    if "to" in node:
        return stage_named(scalar(node["to"]), stages, problems)
    return End(scalar(node["end"]).text) if "end" in node else None


def otherwise(node: Tree, stages: Collection[str], problems: Problems) -> Go:
    """Where `else` leads: a stage by its name, or a mapping with `to` or `end`."""
    other = node["else"]
    if isinstance(other, Scalar):
        return stage_named(other, stages, problems)
    go = way(mapping(other), stages, problems)
    assert go is not None
    return go


def stage_named(written: Scalar, stages: Collection[str], problems: Problems) -> To:
    """The way to this stage; adds a problem if there is none of that name."""
    if written.text not in stages:
        what = f'There is no stage "{written.text}".'
        problems.add("no-such-stage", written.place, what, nearest(written.text, stages))
    return To(written.text)
