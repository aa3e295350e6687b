"""What a path such as `event.amount` means: the way to the value, and its type."""

from dataclasses import dataclass
from typing import Literal

from .lexer import Fault
from .names import REQUESTED, SEGMENTS, Names, Reads, Type
from .parser import Path
from .problems import nearest

OWN: dict[str, Type] = {
    "id": "text",
    "type": "text",
    "time": "time",
    "channel": "text",
    "source": "text",
}
_PROFILE = ("traits", "tags", "consents", "identifiers")


@dataclass(frozen=True, slots=True)
class Step:
    """One step from the scope: an attribute, a method of it, a helper given the name, or what
    reads a computed trait from the scope itself."""

    how: Literal["attribute", "method", "helper", "figure"]
    name: str
    method: str = ""
    converts: bool = False
    """Whether a declared time or date still has to be read from JSON's text."""


def resolve(path: Path, names: Names, reads: Reads) -> tuple[list[Step], Type]:
    """The steps from the scope and the static type; raises Fault. Notes what it reads."""
    root = path.steps[0]
    if root not in names.roots:
        raise _no_root(path, names)
    match root:
        case "event" | "entry":
            return _touchpoint(path, names, reads)
        case "profile":
            return _profile(path, names)
        case "now":
            return _alone(path, "time")
        case _:
            return _alone(path, "text")


def _alone(path: Path, kind: Type) -> tuple[list[Step], Type]:
    if len(path.steps) > 1:
        what = f"`{path.steps[0]}` has no properties."
        raise Fault("no-such-property", path.start, path.length, what, "Use it alone.")
    return [Step("attribute", path.steps[0])], kind


def _touchpoint(path: Path, names: Names, reads: Reads) -> tuple[list[Step], Type]:
    root, steps = path.steps[0], path.steps[1:]
    types = names.event if root == "event" else names.entry
    if not types:
        what = f"No touchpoint is looked at here, so there is no `{root}`."
        mend = "Use the profile, or put this where a touchpoint is noticed."
        raise Fault("no-event-here", path.start, path.length, what, mend)
    if not steps or steps == ("properties",):
        what = f"`{path_text(path)}` alone is no value."
        mend = f"Name a property: {root}.amount."
        raise Fault("no-such-property", path.start, path.length, what, mend)
    if steps[0] in OWN:
        if len(steps) > 1:
            what = f"`{root}.{steps[0]}` has no properties."
            mend = f"A property so named is {root}.properties.{steps[0]}."
            raise Fault("no-such-property", path.start, path.length, what, mend)
        return [Step("attribute", root), Step("helper", steps[0], "own")], OWN[steps[0]]
    rest = steps[1:] if steps[0] == "properties" else steps
    kind = _property(path, rest[0], types, names)
    reads.add(_carriers(rest[0], types, names), rest[0])
    first = [Step("attribute", root), Step("helper", rest[0], "prop", converts=True)]
    return _into(first, rest[1:], kind, path)


def _carriers(name: str, types: frozenset[str], names: Names) -> frozenset[str]:
    """The types that carry the property, as far as the catalogue knows."""
    if names.catalogue is None:
        return types
    catalogue = names.catalogue
    return frozenset(each for each in types if each == REQUESTED or name in catalogue.get(each, {}))


def _property(path: Path, name: str, types: frozenset[str], names: Names) -> Type:
    if names.catalogue is None or REQUESTED in types:
        return "any"
    declared = {each: names.catalogue.get(each, {}) for each in types}
    found = {properties[name] for properties in declared.values() if name in properties}
    if not found and any(each not in names.catalogue for each in types):
        return "any"  # that there is no such type has been said where it is named
    if not found:
        known = {each for properties in declared.values() for each in properties}
        which = " or ".join(f'"{each}"' for each in sorted(types)[:3])
        what = f'{which} has no property "{name}".'
        raise Fault("no-such-property", path.start, path.length, what, nearest(name, known))
    return _one_type(found)


def _profile(path: Path, names: Names) -> tuple[list[Step], Type]:
    what_of = path.steps[1] if len(path.steps) > 1 else ""
    profile = Step("attribute", "profile")
    if what_of == "tags" and len(path.steps) == 2:
        return [profile, Step("attribute", "tags")], "list"
    if what_of == "segments" and len(path.steps) == 2 and SEGMENTS in names.figures:
        return [Step("figure", SEGMENTS)], "list"
    if what_of not in _PROFILE or what_of == "tags" or len(path.steps) < 3:
        what = f"`{path_text(path)}` is nothing a profile has."
        mend = (
            "There is: profile.traits.x, profile.tags, profile.segments, profile.consents.x, "
            "profile.identifiers.x."
        )
        raise Fault("no-such-property", path.start, path.length, what, mend)
    name, rest = path.steps[2], path.steps[3:]
    if what_of == "traits":
        kind = _trait(path, name, names)
        if name in names.figures:
            return _into([Step("figure", name, converts=True)], rest, kind, path)
        first = [profile, Step("method", name, "trait", converts=True)]
        return _into(first, rest, kind, path)
    method = "consent" if what_of == "consents" else "has_identifier"
    return _into([profile, Step("method", name, method)], rest, "boolean", path)


def _trait(path: Path, name: str, names: Names) -> Type:
    if names.traits is None:
        return "any"
    if name not in names.traits:
        what = f'The catalogue has no trait "{name}".'
        raise Fault("no-such-property", path.start, path.length, what, nearest(name, names.traits))
    return _one_type({names.traits[name]})


def _into(
    first: list[Step], rest: tuple[str, ...], kind: Type, path: Path
) -> tuple[list[Step], Type]:
    """Deeper steps, into an object of which nothing is declared."""
    if not rest:
        return first, kind
    if kind not in ("object", "any"):
        what = f"`{path_text(path)}` looks into something that is no object."
        raise Fault("no-such-property", path.start, path.length, what, "Leave the last step out.")
    return [*first, *(Step("helper", name, "member") for name in rest)], "any"


def _one_type(found: set[str]) -> Type:
    if len(found) > 1:
        return "number" if found == {"number", "integer"} else "any"
    kind: Type = found.pop()  # type: ignore[assignment]  # the catalogue has checked its words
    return kind


def _no_root(path: Path, names: Names) -> Fault:
    root = path.steps[0]
    what = f'There is no "{root}" here.'
    mend = nearest(root, names.roots)
    if len(path.steps) == 1 and root not in ("event", "entry", "profile"):
        mend += f" A text needs quotes: '{root}'."
    return Fault("no-such-root", path.start, path.length, what, mend)


def path_text(path: Path) -> str:
    return ".".join(path.steps)
