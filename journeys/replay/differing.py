"""Two sets of maps on the same past: where they first treat somebody differently, and how.

What is compared is what happened to her in each map and key: neither ids nor versions. That one
side does not let her in where the other would not either is no difference.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from journeys.engine.effects import Output

from .comparing import shown
from .tally import Row, rows


class Side(msgspec.Struct, frozen=True):
    """One transition in words; `cause` says what caused it: `touchpoint` or `timer` first."""

    at: str
    text: str
    cause: str
    cause_id: str
    kind: str


class Difference(msgspec.Struct, frozen=True):
    """The first transition that is not the same on both sides; None: nothing (more) happens.

    `sent` are the actions of her whole past on each side.
    """

    map: str
    key: str | None
    old: Side | None
    new: Side | None
    sent: tuple[int, int]

    @property
    def first(self) -> Side:
        """The earlier of both: the record at which the ways part."""
        sides = [side for side in (self.old, self.new) if side is not None]
        return min(sides, key=lambda side: side.at)

    @property
    def only_time(self) -> bool:
        return self.old is not None and self.new is not None and self.old.text == self.new.text


@dataclass(frozen=True, slots=True)
class _Seen:
    row: Row
    text: str


def difference(old: Iterable[Output], new: Iterable[Output]) -> Difference | None:
    """The earliest difference over all maps and keys of one past; None if there is none."""
    (was, refused_was), (now, refused_now) = _stories(old), _stories(new)
    sent = _sent(was), _sent(now)
    found = [
        each
        for place in dict.fromkeys((*was, *now))
        if (each := _first(was.get(place, []), now.get(place, []))) is not None
    ]
    if not found:
        return None
    before, after = min(found, key=_when)
    row = _row(before, after)
    before = _or_refusal(before, after, refused_was)
    after = _or_refusal(after, before, refused_now)
    return Difference(row.map, row.key, _side(before), _side(after), sent)


_Pair = tuple["_Seen | None", "_Seen | None"]
_Refusals = dict[tuple[str, str | None, str], _Seen]
"""By map, key and touchpoint."""


def _first(was: list[_Seen], now: list[_Seen]) -> _Pair | None:
    for index in range(max(len(was), len(now))):
        old = was[index] if index < len(was) else None
        new = now[index] if index < len(now) else None
        if old is None or new is None or (old.row.at, old.text) != (new.row.at, new.text):
            return old, new
    return None


def _when(pair: _Pair) -> str:
    return min(seen.row.at for seen in pair if seen is not None)


def _row(before: _Seen | None, after: _Seen | None) -> Row:
    found = before or after
    assert found is not None
    return found.row


def _or_refusal(seen: _Seen | None, other: _Seen | None, refusals: _Refusals) -> _Seen | None:
    """Why she did not enter here, where she did there by the same touchpoint."""
    if other is None or other.row.kind != "enter":
        return seen
    row = other.row
    return refusals.get((row.map, row.key, row.cause_id), seen)


def _stories(
    outputs: Iterable[Output],
) -> tuple[dict[tuple[str, str | None], list[_Seen]], _Refusals]:
    found: dict[tuple[str, str | None], list[_Seen]] = {}
    refusals: _Refusals = {}
    for output in outputs:
        if output.kind == "transitions":
            row = rows.decode(output.value)
            seen = _Seen(row, told(row))
            if row.kind == "refused":
                refusals[row.map, row.key, row.cause_id] = seen
            else:
                found.setdefault((row.map, row.key), []).append(seen)
    return found, refusals


def _sent(stories: dict[tuple[str, str | None], list[_Seen]]) -> int:
    return sum(seen.row.kind == "action" for story in stories.values() for seen in story)


def _side(seen: _Seen | None) -> Side | None:
    if seen is None:
        return None
    row = seen.row
    return Side(row.at, seen.text, row.cause, row.cause_id, row.kind)


def told(row: Row) -> str:
    """A transition in a few words, without its map."""
    what = row.template or row.task or row.starts or row.type or ""
    match row.kind:
        case "enter":
            return f"enters at {row.to}"
        case "move":
            return f"{row.stage} → {row.to}"
        case "end":
            return f"{row.stage} → end {row.outcome}"
        case "goal":
            return f"goal {row.goal}" + ("" if row.value is None else f", worth {shown(row.value)}")
        case "refused":
            return f"may not enter: {row.reason}"
        case "action":
            return f"{what} leaves by {row.channel}"
        case "withheld":
            passed = f" {shown(row.passed_over)}" if row.passed_over else ""
            return f"{what} is withheld: {row.reason}{passed}"
        case kind:
            return f"{kind} {what or row.reason or ''}".rstrip()
