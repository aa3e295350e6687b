"""The functions of conditions: what they take and give."""

from dataclasses import dataclass
from typing import Literal

from .lexer import Fault
from .names import Type
from .parser import Call

_ANY: tuple[Type, ...] = ("any",)
_TEXT: tuple[Type, ...] = ("text",)
_NUMBER: tuple[Type, ...] = ("number",)
_MOMENT: tuple[Type, ...] = ("time", "date", "text")

_WORDS: dict[Type, str] = {
    "text": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "time": "a time",
    "date": "a date",
    "list": "a list",
    "object": "an object",
    "null": "null",
    "any": "anything",
}


@dataclass(frozen=True, slots=True)
class Signature:
    """`helper` is the function in functions.py; `names`, what its one text must name."""

    helper: str
    parameters: tuple[tuple[Type, ...], ...]
    result: Type
    required: int = 1
    variadic: bool = False
    takes_scope: bool = False
    names: Literal["event", "stage", "split"] | None = None

    def parameter(self, index: int) -> tuple[Type, ...]:
        return self.parameters[min(index, len(self.parameters) - 1)]

    def result_of(self, arguments: tuple[Type, ...]) -> Type:
        """`abs` of a whole number is one."""
        whole = self.helper == "absolute" and arguments[0] == "integer"
        return "integer" if whole else self.result

    def check_count(self, call: Call) -> None:
        """Raises Fault when there are too few or too many arguments."""
        count = len(call.arguments)
        if count >= self.required and (self.variadic or count <= len(self.parameters)):
            return
        most = "or more" if self.variadic else f"to {len(self.parameters)}"
        wanted = str(self.required)
        if self.variadic or len(self.parameters) != self.required:
            wanted = f"{self.required} {most}"
        what = f"`{call.function}` takes {wanted} in its brackets, and here are {count}."
        raise Fault("wrong-type", call.start, call.length, what, "Look it up in the language page.")


SIGNATURES: dict[str, Signature] = {
    "exists": Signature("exists", (_ANY,), "boolean"),
    "size": Signature("size", (("text", "list", "object"),), "integer"),
    "lower": Signature("lower", (_TEXT,), "text"),
    "starts_with": Signature("starts_with", (_TEXT, _TEXT), "boolean", required=2),
    "ends_with": Signature("ends_with", (_TEXT, _TEXT), "boolean", required=2),
    "number": Signature("number", (("text", "number"),), "number"),
    "text": Signature("text", (("text", "number", "boolean", "date"),), "text"),
    "round": Signature("rounded", (_NUMBER, ("integer",)), "number"),
    "min": Signature("smallest", (("number", "list"),), "number", variadic=True),
    "max": Signature("largest", (("number", "list"),), "number", variadic=True),
    "abs": Signature("absolute", (_NUMBER,), "number"),
    "days_since": Signature("days_since", (_MOMENT,), "integer", takes_scope=True),
    "days_until": Signature("days_until", (_MOMENT,), "integer", takes_scope=True),
    "months_since": Signature("months_since", (_MOMENT,), "integer", takes_scope=True),
    "hours_since": Signature("hours_since", (_MOMENT,), "number", takes_scope=True),
    "minutes_since": Signature("minutes_since", (_MOMENT,), "number", takes_scope=True),
    "date": Signature("local_date", (_MOMENT,), "date", takes_scope=True),
    "hour": Signature("hour", (_MOMENT,), "integer", takes_scope=True),
    "weekday": Signature("weekday", (_MOMENT,), "text", takes_scope=True),
    "times": Signature("times", (_TEXT,), "integer", takes_scope=True, names="event"),
    "arm": Signature("arm", (_TEXT,), "text", takes_scope=True, names="split"),
    "visits": Signature("visits", (_TEXT,), "integer", takes_scope=True, names="stage"),
}


def fits(found: Type, wanted: Type) -> bool:
    """Whether a value of the one type may stand where the other is wanted."""
    if found in ("any", "null", wanted) or wanted == "any":
        return True
    return (found, wanted) in (("integer", "number"), ("date", "text"))


def words_of(kind: Type) -> str:
    return _WORDS[kind]


def type_of(value: str | int | float | bool | None) -> Type:
    """The type of a literal."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "text"
