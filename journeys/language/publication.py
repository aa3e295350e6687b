"""What a publication does to those who are in a map: `on_publish`, and what may not change in
silence (rule 10)."""

import hashlib
from collections.abc import Collection
from typing import Any

import orjson

from .durations import parse_duration
from .parts import OnPublish
from .problems import Problems
from .shapes import Shape, either, mapping_of, name, positive_duration, word
from .tree import Mapping as Tree
from .tree import Scalar, mapping, plain, scalar
from .ways import stage_named

MIGRATION = Shape(
    "a migration",
    {
        "mode": word("migrate"),
        "stages": mapping_of(name, name, "stages"),
        "max_staleness": positive_duration,
    },
    required=("mode",),
)
ON_PUBLISH = either(word("pin", "stop", "migrate"), MIGRATION)

_LIVE = frozenset({"title", "priority", "tests", "on_publish"})
"""Words of a map that say nothing of its structure; those of its stages are below."""


def read_on_publish(root: Tree, stages: Collection[str], problems: Problems) -> OnPublish | None:
    """None for `pin`. A way to a stage that is not there is a problem; where people come from is
    known only where older versions are."""
    written = root.get("on_publish")
    if written is None:
        return None
    if isinstance(written, Scalar):
        return _in_a_word(written.text)
    node, found = mapping(written), {}
    if "stages" in node:
        for old, new in mapping(node["stages"]).entries:
            found[old.text] = stage_named(scalar(new), stages, problems).stage
    staleness = node.get("max_staleness")
    at_most = None if staleness is None else parse_duration(scalar(staleness).text)
    return OnPublish("migrate", found, at_most)


def structure_of(root: Tree) -> str:
    """A digest of all that is pinned to a version: of two texts with the same one, either may be
    published under one number.

    The order of stages and arms counts, that of other words and how they are written does not.
    """
    written: Any = plain(root)
    kept = {word_: each for word_, each in written.items() if word_ not in _LIVE}
    kept["stages"] = [[stage, _stage(each)] for stage, each in written["stages"].items()]
    return hashlib.sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


def _in_a_word(text: str) -> OnPublish | None:
    match text:
        case "stop":
            return OnPublish("stop")
        case "migrate":
            return OnPublish("migrate")
        case _:
            return None


def _stage(written: Any) -> Any:
    if not isinstance(written, dict):
        return written
    kept = {word_: each for word_, each in written.items() if word_ not in ("title", "phase")}
    if isinstance(kept.get("split"), dict):
        arms = kept["split"].get("arms", {}).items()
        shares = [[name_, {**arm, "weight": 0}] for name_, arm in arms]
        kept["split"] = {**kept["split"], "arms": shares}
    return kept
