"""What happened to the people of a test, line by line: touchpoints, and what they caused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from journeys.engine.effects import Output
from schemas.touchpoint import ProfileId, Touchpoint

from .comparing import shown
from .sight import Item, moment_of, rows_of


@dataclass(frozen=True, slots=True)
class Beat:
    """`at` is logical time, `heard` the log's; `kind` is `given` or a transition's."""

    at: int
    heard: int
    person: str
    kind: str
    text: str


def beat_of(touchpoint: Touchpoint, person: str, heard: int) -> Beat:
    """A touchpoint as it stands in the test."""
    more = shown(touchpoint.properties) if touchpoint.properties else ""
    said = {**touchpoint.traits, **touchpoint.consents}
    text = " ".join(part for part in (touchpoint.type, more, shown(said) if said else "") if part)
    return Beat(touchpoint.time, heard, person, "given", text)


def beats_of(outputs: Iterable[Output], names: Mapping[ProfileId, str]) -> list[Beat]:
    """What these outputs tell, in order."""
    return [_beat(row, names) for row in rows_of(list(outputs))]


def _beat(row: Item, names: Mapping[ProfileId, str]) -> Beat:
    person = names.get(ProfileId(row["profile_id"]), row["profile_id"])
    return Beat(moment_of(row["at"]), moment_of(row["logged"]), person, row["kind"], sentence(row))


def sentence(row: Item) -> str:
    """A transition in words."""
    where = row["map"] if row.get("key") is None else f"{row['map']}[{row['key']}]"
    match row["kind"]:
        case "enter":
            return f"enters {where}: {row['to']}"
        case "move":
            return f"{where}: {row['stage']} → {row['to']}"
        case "migrate":
            return f"{where} goes over to version {row['version']}: {row['to']}"
        case "end":
            return f"{where} ends: {row['outcome']}"
        case "goal":
            value = "" if row.get("value") is None else f", worth {shown(row['value'])}"
            return f"{where}: goal {row['goal']}{value}"
        case "refused":
            return f"may not enter {where}: {row['reason']}"
        case _:
            return f"{where}: {_done(row)}"


def _done(row: Item) -> str:
    """What was done for her, or why not."""
    name = row.get("task") or row.get("template")
    match row["kind"]:
        case "action":
            return f"{name} leaves" + (f" by {row['channel']}" if row.get("channel") else "")
        case "withheld":
            passed = row.get("passed_over")
            return f"{name} is withheld: {row['reason']}" + (f" {shown(passed)}" if passed else "")
        case "result":
            return f"{name} is {row['result']}"
        case "emit" | "start" as kind:
            return f"{kind} {row.get('starts') or row['type']}"
        case kind:
            return f"{kind} {row.get('reason') or ''}".rstrip()
