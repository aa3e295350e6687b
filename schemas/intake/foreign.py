"""A record of another form on its way to the native one, and where its parts came from."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import ContractError
from ..touchpoint import Millis
from .document import named


class Foreign(NamedTuple):
    """The native form that a record of another form amounts to.

    `happened` is the event time where the document names none; None: the record's own. `places`
    lead from a path of the native form to what the sender wrote, so that an error names his field.
    """

    document: dict[str, Any]
    happened: Millis | None = None
    places: Mapping[str, str] = {}

    def placed(self, error: ContractError) -> ContractError:
        """The error with the path that leads into the sender's record."""
        for ours, theirs in self.places.items():
            if error.path == ours or error.path.startswith(f"{ours}/"):
                path = theirs + error.path[len(ours) :]
                return ContractError(error.code, path, error.what, error.mend)
        return error


def object_at(container: Mapping[str, Any], name: str, path: str = "") -> dict[str, Any]:
    """The object of this name, empty where there is none. Raises ContractError."""
    value = container.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise ContractError(
        "wrong-type",
        f"{path}/{name}",
        f"It is {named(value)} where an object is expected.",
        "Send an object, or leave it out.",
    )


def text_at(container: Mapping[str, Any], name: str, path: str = "") -> str:
    """The text of this name, empty where there is none; whole numbers are texts of their digits.

    Raises ContractError.
    """
    value = container.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ContractError(
        "wrong-type",
        f"{path}/{name}",
        f"It is {named(value)} where a text is expected.",
        "Send a text in quotes, or leave it out.",
    )
