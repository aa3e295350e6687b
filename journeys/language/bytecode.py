"""From a condition's syntax tree to Python's own bytecode, with types checked on the way.

A compiled condition takes 0.3-2.4 microseconds, against 20 and more of an evaluator that walks
the tree. Only what is built here ever reaches `compile`: names are looked up in a closed table.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import re2

from . import functions
from .lexer import Fault
from .names import Names, Reads, Type
from .parser import Binary, Call, Choose, Junction, Listing, Literal, Path, Syntax, Unary
from .paths import Step, resolve
from .problems import Code, nearest
from .scope import Scope
from .signatures import SIGNATURES, fits, type_of, words_of

_COMPARE = {"<": ("less", 0), ">": ("less", 1), "<=": ("at_most", 0), ">=": ("at_most", 1)}
_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "remainder"}
_NUMERIC = ("number", "integer")


@dataclass(frozen=True, slots=True)
class Emitted:
    """`sure` promises a boolean that is never null."""

    code: ast.expr
    type: Type
    sure: bool = False


def emit(syntax: Syntax, names: Names, reads: Reads) -> tuple[Callable[[Scope], Any], Type]:
    """The function, which never raises, and its static type; raises Fault."""
    emitter = _Emitter(names, reads)
    emitted = emitter.emit(syntax)
    return _function(emitted.code, emitter.table), emitted.type


def _function(body: ast.expr, table: dict[str, Any]) -> Callable[[Scope], Any]:
    module = ast.parse("def run(s):\n try:\n  return 0\n except Exception:\n  return None")
    definition = module.body[0]
    assert isinstance(definition, ast.FunctionDef)
    guarded = definition.body[0]
    assert isinstance(guarded, ast.Try)
    guarded.body = [ast.Return(body)]
    ast.fix_missing_locations(module)
    exec(compile(module, "<condition>", "exec"), table)
    run: Callable[[Scope], Any] = table["run"]
    return run


class _Emitter:
    def __init__(self, names: Names, reads: Reads) -> None:
        self._names = names
        self._reads = reads
        self.table: dict[str, Any] = {"__builtins__": {"Exception": Exception}}

    def emit(self, syntax: Syntax) -> Emitted:
        match syntax:
            case Literal(value):
                return Emitted(ast.Constant(value), type_of(value), isinstance(value, bool))
            case Path():
                return self._path(syntax)
            case Listing(parts):
                codes: list[ast.expr] = [self.emit(part).code for part in parts]
                return Emitted(ast.List(codes, ast.Load()), "list")
            case Call():
                return self._call(syntax)
            case _:
                return self._operation(syntax)

    def _operation(self, syntax: Unary | Binary | Junction | Choose) -> Emitted:
        match syntax:
            case Unary():
                return self._unary(syntax)
            case Binary():
                return self._binary(syntax)
            case Junction(sign, operands):
                joint = ast.And() if sign == "and" else ast.Or()
                return _bool(ast.BoolOp(joint, [self._truth(each) for each in operands]))
            case Choose():
                return self._choose(syntax)

    def _path(self, path: Path) -> Emitted:
        steps, kind = resolve(path, self._names, self._reads)
        code: ast.expr = ast.Name("s", ast.Load())
        for step in steps:
            code = self._step(code, step)
        if kind in ("time", "date") and steps[-1].converts:
            zone = ast.Attribute(ast.Name("s", ast.Load()), "zone", ast.Load())
            code = self._helper(f"to_{kind}", code, zone)
        return Emitted(code, kind)

    def _step(self, code: ast.expr, step: Step) -> ast.expr:
        match step.how:
            case "attribute":
                return ast.Attribute(code, step.name, ast.Load())
            case "method":
                method = ast.Attribute(code, step.method, ast.Load())
                return ast.Call(method, [ast.Constant(step.name)], [])
            case "helper":
                return self._helper(step.method, code, ast.Constant(step.name))
            case "figure":
                name = f"figure_{len(self.table)}"
                self.table[name] = self._names.figures[step.name]
                return ast.Call(ast.Name(name, ast.Load()), [code], [])

    def _unary(self, syntax: Unary) -> Emitted:
        if syntax.sign == "not":
            return _bool(ast.UnaryOp(ast.Not(), self._truth(syntax.operand)))
        operand = self.emit(syntax.operand)
        _expect(operand.type, ("number",), syntax.operand, "`-` stands before numbers")
        kind: Type = "integer" if operand.type == "integer" else "number"
        return Emitted(self._helper("negative", operand.code), kind)

    def _truth(self, syntax: Syntax) -> ast.expr:
        """The operand as a condition: null is false."""
        emitted = self.emit(syntax)
        _expect(emitted.type, ("boolean",), syntax, "`and`, `or`, `not` and `?` take conditions")
        if emitted.sure:
            return emitted.code
        return ast.Compare(emitted.code, [ast.Is()], [ast.Constant(True)])

    def _choose(self, syntax: Choose) -> Emitted:
        test = self._truth(syntax.test)
        yes, no = self.emit(syntax.yes), self.emit(syntax.no)
        code = ast.IfExp(test, yes.code, no.code)
        return Emitted(code, _either(yes.type, no.type), yes.sure and no.sure)

    def _binary(self, syntax: Binary) -> Emitted:
        match syntax.sign:
            case "==" | "!=":
                return self._equality(syntax)
            case "<" | "<=" | ">" | ">=":
                return self._comparison(syntax)
            case "in":
                return self._in(syntax)
            case "contains":
                return self._contains(syntax)
            case "matches":
                return self._matches(syntax)
            case _:
                return self._arithmetic(syntax)

    def _equality(self, syntax: Binary) -> Emitted:
        left, right = self.emit(syntax.left), self.emit(syntax.right)
        if not _can_be_equal(left.type, right.type):
            raise _types(syntax, f"{words_of(left.type)} is never equal to {words_of(right.type)}")
        _check_days(syntax, left.type, right.type)
        if "null" in (left.type, right.type) or _is_text(syntax.left) or _is_text(syntax.right):
            # Nothing but null equals null, and nothing but a text a text, in Python too.
            code: ast.expr = ast.Compare(left.code, [ast.Eq()], [right.code])
        else:
            code = self._helper("equal", left.code, right.code)
        return _bool(code if syntax.sign == "==" else ast.UnaryOp(ast.Not(), code))

    def _comparison(self, syntax: Binary) -> Emitted:
        left, right = self.emit(syntax.left), self.emit(syntax.right)
        if not _can_be_compared(left.type, right.type):
            pair = f"{words_of(left.type)} and {words_of(right.type)}"
            raise _types(syntax, f"`{syntax.sign}` does not compare {pair}")
        _check_days(syntax, left.type, right.type)
        name, swapped = _COMPARE[syntax.sign]
        pair_codes = (right.code, left.code) if swapped else (left.code, right.code)
        return _bool(self._helper(name, *pair_codes))

    def _in(self, syntax: Binary) -> Emitted:
        left, right = self.emit(syntax.left), self.emit(syntax.right)
        _expect(right.type, ("list",), syntax.right, "`in` looks into a list")
        if isinstance(syntax.right, Listing) and all(map(_is_text, syntax.right.items)):
            return _bool(ast.Compare(left.code, [ast.In()], [right.code]))
        return _bool(self._helper("contained", left.code, right.code))

    def _contains(self, syntax: Binary) -> Emitted:
        left, right = self.emit(syntax.left), self.emit(syntax.right)
        _expect(left.type, ("list", "text"), syntax.left, "`contains` looks into a list or a text")
        if left.type == "text":
            _expect(right.type, ("text",), syntax.right, "A text contains texts")
        return _bool(self._helper("contains", left.code, right.code))

    def _matches(self, syntax: Binary) -> Emitted:
        left = self.emit(syntax.left)
        _expect(left.type, ("text",), syntax.left, "`matches` looks at a text")
        name = f"pattern_{len(self.table)}"
        self.table[name] = _pattern(syntax.right)
        return _bool(self._helper("matches", left.code, ast.Name(name, ast.Load())))

    def _arithmetic(self, syntax: Binary) -> Emitted:
        left, right = self.emit(syntax.left), self.emit(syntax.right)
        sign = syntax.sign
        if sign == "+" and _joins(left.type, right.type):
            kind: Type = left.type if left.type in ("text", "list") else right.type
            return Emitted(self._helper("add", left.code, right.code), kind)
        for side, part in ((left, syntax.left), (right, syntax.right)):
            _expect(side.type, ("number",), part, f"`{sign}` takes numbers")
        kind = _number_type(sign, left.type, right.type)
        name = "divide_whole" if sign == "/" and kind == "integer" else _ARITHMETIC[sign]
        return Emitted(self._helper(name, left.code, right.code), kind)

    def _call(self, call: Call) -> Emitted:
        signature = SIGNATURES.get(call.function)
        if signature is None:
            raise self._no_function(call)
        signature.check_count(call)
        if signature.names is not None:
            code = self._helper(call.function, self._name_of(call, signature.names), *_scope())
            return Emitted(code, signature.result)
        arguments = [self.emit(argument) for argument in call.arguments]
        for index, argument in enumerate(arguments):
            wanted = signature.parameter(index)
            _expect(argument.type, wanted, call.arguments[index], f"`{call.function}` takes")
            if "time" in wanted:
                _check_moment(call.arguments[index])
        scope = _scope() if signature.takes_scope else []
        code = self._helper(signature.helper, *[each.code for each in arguments], *scope)
        if signature.helper == "exists":
            # Not `is not`: of a literal Python's compiler warns.
            return _bool(ast.Compare(arguments[0].code, [ast.NotEq()], [ast.Constant(None)]))
        return Emitted(code, signature.result_of(tuple(each.type for each in arguments)))

    def _no_function(self, call: Call) -> Fault:
        length = len(call.function)
        what = f'There is no function "{call.function}".'
        mend = nearest(call.function, SIGNATURES)
        return Fault("no-such-function", call.start, length, what, mend)

    def _name_of(self, call: Call, of: str) -> ast.expr:
        """The name in `times('order.paid')`, `visits('remind')` or `arm('offer')`: one there is."""
        argument = call.arguments[0]
        if not _is_text(argument):
            what = f"`{call.function}` takes a name in quotes."
            mend = f"Write {call.function}('...')."
            raise Fault("wrong-type", argument.start, argument.length, what, mend)
        assert isinstance(argument, Literal)
        name = str(argument.value)
        code, known, what = self._known(of, name)
        if name not in known:
            raise Fault(code, argument.start, argument.length, what, nearest(name, known))
        return ast.Constant(name)

    def _known(self, of: str, name: str) -> tuple[Code, frozenset[str], str]:
        match of:
            case "event":
                what = f'This map does not notice "{name}", so it cannot count it.'
                return "no-such-event", self._names.noticed, what
            case "stage":
                return "no-such-stage", self._names.stages, f'There is no stage "{name}".'
            case _:
                return "no-such-split", self._names.splits, f'There is no split "{name}".'

    def _helper(self, name: str, *arguments: ast.expr) -> ast.expr:
        if name != "exists":
            self.table[name] = getattr(functions, name)
        return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _scope() -> list[ast.expr]:
    return [ast.Name("s", ast.Load())]


def _bool(code: ast.expr) -> Emitted:
    return Emitted(code, "boolean", sure=True)


def _is_text(syntax: Syntax) -> bool:
    return isinstance(syntax, Literal) and isinstance(syntax.value, str)


def _pattern(syntax: Syntax) -> Any:
    if not isinstance(syntax, Literal) or not isinstance(syntax.value, str):
        what = "The pattern after `matches` is not a text in quotes."
        raise Fault("bad-pattern", syntax.start, syntax.length, what, "Write it out.")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(syntax.value, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        what = f"This pattern cannot be read: {reason}."
        mend = "Write it in the syntax of RE2, which has no look-around and no back-references."
        raise Fault("bad-pattern", syntax.start, syntax.length, what, mend) from None


def _check_days(syntax: Binary, left: Type, right: Type) -> None:
    """What is compared with a date is a day there is."""
    if "date" in (left, right):
        _check_moment(syntax.left)
        _check_moment(syntax.right)


def _check_moment(syntax: Syntax) -> None:
    text = syntax.value if isinstance(syntax, Literal) else None
    if isinstance(text, str) and not functions.is_moment(text):
        what = f'There is no day or moment "{text}".'
        mend = "Write '2026-05-04', or '2026-05-04T10:00:00+08:00'."
        raise Fault("bad-date", syntax.start, syntax.length, what, mend)


def _either(yes: Type, no: Type) -> Type:
    if no in (yes, "null"):
        return yes
    if yes == "null":
        return no
    return "number" if yes in _NUMERIC and no in _NUMERIC else "any"


def _can_be_equal(left: Type, right: Type) -> bool:
    if left in ("any", "null") or right in ("any", "null") or left == right:
        return True
    return _same_family(left, right)


def _can_be_compared(left: Type, right: Type) -> bool:
    ordered = ("number", "integer", "text", "date", "time", "any", "null")
    if left not in ordered or right not in ordered:
        return False
    return _can_be_equal(left, right)


def _same_family(left: Type, right: Type) -> bool:
    pair = {left, right}
    return pair <= {"number", "integer"} or pair <= {"text", "date"}


def _joins(left: Type, right: Type) -> bool:
    """Whether `+` may put two texts or two lists one after the other."""
    for kind in ("text", "list"):
        if kind in (left, right) and {left, right} <= {kind, "any", "null"}:
            return True
    return {left, right} <= {"any", "null"}


def _number_type(sign: str, left: Type, right: Type) -> Type:
    return "integer" if (left == right == "integer") or sign == "%" else "number"


def _expect(found: Type, wanted: tuple[Type, ...], syntax: Syntax, rule: str) -> None:
    if not any(fits(found, each) for each in wanted):
        if rule.endswith("takes"):
            rule += " " + " or ".join(words_of(each) for each in wanted)
        raise _types(syntax, f"{rule}, and this is {words_of(found)}")


def _types(syntax: Syntax, what: str) -> Fault:
    mend = (
        "Compare and combine things of one type; `number(x)` and `text(x)` turn one into another."
    )
    return Fault("wrong-type", syntax.start, syntax.length, what[0].upper() + what[1:] + ".", mend)
