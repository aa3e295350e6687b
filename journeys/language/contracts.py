"""What the catalogue demands of a touchpoint: properties that must be there, values one of a few.

Held when touchpoints are stitched, by the settings the worker started with; what is asked of the
log is never asked again, so a catalogue that demands more changes nothing that has happened.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.errors import ContractError

from .catalogue import section
from .problems import listed
from .tree import Mapping as Tree
from .tree import Node, items, mapping, scalar


@dataclass(frozen=True, slots=True)
class EventContract:
    """`one_of`: property -> the values it may have."""

    required: tuple[str, ...] = ()
    one_of: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def hold(self, type_: str, properties: Mapping[str, Any]) -> None:
        """Raises ContractError at the first property that is missing or has another value."""
        for name in self.required:
            if properties.get(name) is None:
                what = f'"{type_}" has no property "{name}", which the catalogue requires.'
                mend = "Send it, or take it from `required`."
                raise ContractError("missing-property", f"/properties/{name}", what, mend)
        for name, values in self.one_of.items():
            given = properties.get(name)
            if given is not None and given not in values:
                known = listed([str(value) for value in values])
                what = f'"{name}" of "{type_}" has a value the catalogue does not have.'
                raise ContractError(
                    "unknown-value", f"/properties/{name}", what, f"It may be: {known}."
                )


def read_contracts(catalogues: Iterable[Node]) -> dict[str, EventContract]:
    """Event type -> its contract, for those that demand something."""
    contracts = {}
    for file in catalogues:
        for key, node in section(file, "events").entries:
            event = mapping(node)
            required = tuple(scalar(each).text for each in items(event.get("required")))
            one_of = _choices(event.get("properties"))
            if required or one_of:
                contracts[key.text] = EventContract(required, one_of)
    return contracts


def _choices(properties: Node | None) -> dict[str, tuple[Any, ...]]:
    found = {}
    for key, node in mapping(properties).entries if properties is not None else ():
        if isinstance(node, Tree) and "one_of" in node:
            found[key.text] = tuple(scalar(each).value for each in items(node["one_of"]))
    return found
