"""Who would be treated differently by a new draft: counted by what differs first, then examples."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from console.backtesting import Past
from console.histories import History
from console.masking import in_full, masked
from journeys.replay.differing import Difference, Side
from schemas import inbox
from schemas.inbox import Arrived, Emitted
from schemas.touchpoint import Touchpoint

EXAMPLES = 3
"""So many people of a kind are kept as examples: those who come first in the history."""

NOTHING = "nothing"

Kind = tuple[str, str, str, str]
"""The map, what happens first by the old and by the new one, and what causes it."""


@dataclass
class Found:
    """People by the kind of their first difference; `sent` are the actions of all of them."""

    counts: dict[Kind, int] = field(default_factory=dict)
    examples: dict[Kind, list[tuple[int, Difference]]] = field(default_factory=dict)
    sent: tuple[int, int] = 0, 0

    def add(self, number: int, differs: Difference) -> None:
        kind = _kind(differs)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.sent = self.sent[0] + differs.sent[0], self.sent[1] + differs.sent[1]
        kept = self.examples.setdefault(kind, [])
        kept.append((number, differs))
        kept.sort(key=lambda each: each[0])
        del kept[EXAMPLES:]

    @property
    def people(self) -> int:
        return sum(self.counts.values())


def as_json(found: Found, history: History, *, reveal: bool) -> dict[str, Any]:
    """Kinds, the most frequent first, each with its examples."""
    ordered = sorted(found.counts.items(), key=lambda item: (-item[1], item[0]))
    return {
        "touchpoints": history.touchpoints,
        "people": len(history.pasts),
        "rows_refused": len(history.refused),
        "different": found.people,
        "actions_of_these": {"old": found.sent[0], "new": found.sent[1]},
        "kinds": [
            {
                "map": map_,
                "old": old,
                "new": new,
                "at": cause,
                "people": count,
                "examples": [
                    _example(history.pasts[number], differs, reveal)
                    for number, differs in found.examples[(map_, old, new, cause)]
                ],
            }
            for (map_, old, new, cause), count in ordered
        ],
    }


def as_text(report: dict[str, Any]) -> Iterator[str]:
    """Counts first, then examples."""
    yield (
        f"{report['different']:,} of {report['people']:,} people would be treated differently; "
        f"these get {report['actions_of_these']['old']:,} actions by the old, "
        f"{report['actions_of_these']['new']:,} by the new"
    )
    for kind in report["kinds"]:
        yield f"{kind['people']:>9,}  {kind['map']}, at {kind['at']}"
        yield f"           old: {kind['old']}"
        yield f"           new: {kind['new']}"
    for kind in report["kinds"]:
        yield ""
        yield f"{kind['map']}: {kind['old']} | {kind['new']}"
        for example in kind["examples"]:
            yield from _told(example)


def _told(example: dict[str, Any]) -> Iterator[str]:
    key = "" if example["key"] is None else f" [{example['key']}]"
    yield f"  {example['person']}{key}, first at {example['at']}: {example['record']}"
    for side in ("old", "new"):
        found = example[side]
        said = NOTHING if found is None else f"{found['at']}  {found['text']}"
        yield f"    {side}: {said}"


def _kind(differs: Difference) -> Kind:
    old = NOTHING if differs.old is None else differs.old.text
    new = NOTHING if differs.new is None else differs.new.text
    if differs.only_time:
        new = f"the same, {'later' if differs.first == differs.old else 'earlier'}"
    return differs.map, old, new, f"a {differs.first.cause}"


def _example(past: Past, differs: Difference, reveal: bool) -> dict[str, Any]:
    shown = in_full if reveal else masked
    return {
        "profile": next((inbox.recipient(record) for _, record in past), None),
        "person": _person(past, shown),
        "key": shown(differs.key),
        "at": differs.first.at,
        "record": _record(past, differs.first),
        "old": _side(differs.old),
        "new": _side(differs.new),
    }


def _person(past: Past, shown: Any) -> str:
    """By the first identifier that is known of her."""
    for touchpoint in _touchpoints(past):
        for namespace, values in touchpoint.identifiers.items():
            if values:
                return f"{namespace}:{shown(values[0])}"
    return "somebody"


def _record(past: Past, side: Side) -> str:
    """The touchpoint, with its type, or the timer."""
    if side.cause != "touchpoint":
        return f"a {side.cause}"
    found = next((t for t in _touchpoints(past) if t.id == side.cause_id), None)
    type_ = "" if found is None else f" {found.type}"
    return f"touchpoint {side.cause_id}{type_}"


def _side(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {"at": side.at, "text": side.text, "cause": side.cause, "cause_id": side.cause_id}


def _touchpoints(past: Past) -> Iterator[Touchpoint]:
    for _, record in past:
        if isinstance(record, Arrived | Emitted):
            yield record.touchpoint
