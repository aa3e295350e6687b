"""`do: send` and `do: task`: which template or task, over which channels, with which values."""

from collections.abc import Collection

from .conditions import compile_expression
from .durations import parse_duration
from .gate_settings import check_channel, class_of
from .model import Duration, Expression, Limit, Policy, Send, Task, Template, Workspace
from .names import Names, Reads, Type
from .problems import Problems, listed, nearest
from .settings import check_kind
from .signatures import type_of
from .templates import compile_text
from .tree import Mapping as Tree
from .tree import Node, Scalar, items, mapping, scalar
from .ways import way

_DAY = Duration("24h", millis=86_400_000)


class SendCompiler:
    """Compiles the sends of one map against its workspace."""

    def __init__(
        self, workspace: Workspace, stages: Collection[str], reads: Reads, problems: Problems
    ) -> None:
        self._workspace = workspace
        self._stages = stages
        self._reads = reads
        self._problems = problems

    def compile(self, node: Tree, place: str, names: Names) -> Send:
        """The send at this place of the map; its values may look at `names`."""
        written = scalar(node["send"])
        template = self._workspace.templates.get(written.text)
        channels = self._channels(node)
        if template is None:
            what = f'There is no template "{written.text}".'
            mend = nearest(written.text, self._workspace.templates)
            self._problems.add("no-such-template", written.place, what, mend)
        else:
            self._check_blocks(written, template, channels)
        self._check_holds(node)
        expires = node.get("expires_after")
        purpose = node.get("purpose")
        return Send(
            place=place,
            template=written.text,
            channels=channels,
            purpose=None if purpose is None else scalar(purpose).text,
            values=self._values(node, template, names),
            class_=class_of(node) or (template and template.class_) or "marketing",
            expires_after=None if expires is None else parse_duration(scalar(expires).text),
            on_quiet=self._policy(node.get("on_quiet"), "hold"),
            on_unreachable=self._policy(node.get("on_unreachable"), "skip"),
            on_capped=self._policy(node.get("on_capped"), "skip"),
            on_failed=self._policy(node.get("on_failed"), "skip"),
            limit=self._limit(node),
            store=self._expression(node, "store", names),
        )

    def task(self, node: Tree, place: str, names: Names, held_out: bool) -> Task:
        """The task at this place of the map; `held_out`: the map or workspace has a holdout."""
        written, sla, role = scalar(node["task"]), node.get("sla"), node.get("role")
        if held_out and "class" not in node:
            what = "Whether people who are held out get this task is not said."
            mend = "Add `class: marketing` (they do not) or `class: transactional` (they do)."
            self._problems.add("class-missing", node.key("task").place, what, mend)
        given = mapping(node["with"]).entries if "with" in node else ()
        expires = node.get("expires_after")
        return Task(
            place=place,
            task=written.text,
            values={key.text: self.value(scalar(each), names)[0] for key, each in given},
            sla=_DAY if sla is None else parse_duration(scalar(sla).text) or _DAY,
            role="" if role is None else scalar(role).text,
            store=self._expression(node, "store", names),
            assign=self._expression(node, "assign", names),
            class_=class_of(node) or "transactional",
            expires_after=None if expires is None else parse_duration(scalar(expires).text),
        )

    def _check_holds(self, node: Tree) -> None:
        """A place may be free only weeks later."""
        capped = node.get("on_capped")
        if isinstance(capped, Scalar) and capped.text == "hold" and "expires_after" not in node:
            what = "A message held for a free place may be held for ever."
            mend = "Add `expires_after: ...`, or let it be skipped."
            self._problems.add("expiry-missing", capped.place, what, mend)

    def _limit(self, node: Tree) -> Limit | None:
        if "limit" not in node:
            return None
        written = mapping(node["limit"])
        count, per = scalar(written["count"]).value, parse_duration(scalar(written["per"]).text)
        assert isinstance(count, int)
        assert per is not None
        return Limit(count, per)

    def _expression(self, node: Tree, word: str, names: Names) -> Expression | None:
        if word not in node:
            return None
        return compile_expression(scalar(node[word]), names, self._reads, self._problems)[0]

    def _policy(self, node: Node | None, default: Policy) -> Policy:
        match node:
            case Scalar(text="skip" | "hold" | "other_channel" as word):
                return word
            case Tree():
                return way(node, self._stages, self._problems) or default
            case _:
                return default

    def _channels(self, node: Tree) -> tuple[str, ...]:
        if "channels" in node:
            written = [scalar(each) for each in items(node["channels"])]
            for each in written:
                check_channel(each, self._workspace.channels, self._problems)
            return tuple(dict.fromkeys(each.text for each in written))
        purpose = scalar(node["purpose"])
        ranking = self._workspace.purposes.get(purpose.text)
        if ranking is None:
            what = f'There is no purpose "{purpose.text}".'
            mend = nearest(purpose.text, self._workspace.purposes)
            self._problems.add("no-such-purpose", purpose.place, what, mend)
        return ranking or ()

    def _check_blocks(self, written: Scalar, template: Template, channels: tuple[str, ...]) -> None:
        known = [each for each in channels if each in self._workspace.channels]
        if known and not any(channel in template.channels for channel in known):
            what = f'The template "{template.name}" cannot go by {listed(known)}.'
            mend = f"It has blocks for {listed(sorted(template.channels))}; add one of yours."
            self._problems.add("no-template-block", written.place, what, mend)

    def _values(self, node: Tree, template: Template | None, names: Names) -> dict[str, Expression]:
        written = mapping(node["with"]) if "with" in node else Tree((), node.place)
        values = {}
        for key, value in written.entries:
            expression, kind = self.value(scalar(value), names)
            values[key.text] = expression
            if template is not None:
                self._check_param(key, kind, scalar(value), template)
        if template is not None:
            self._check_given(node, values, template)
        return values

    def value(self, written: Scalar, names: Names) -> tuple[Expression, Type]:
        """A value of `with` or `set`: itself, an expression after `=`, or Liquid; with its type."""
        value = written.value
        if isinstance(value, str) and value.startswith("="):
            return compile_expression(written, names, self._reads, self._problems, skip=1)
        if isinstance(value, str):
            return compile_text(written, names, self._reads, self._problems), "text"
        return Expression(written.text, lambda scope: value), type_of(value)

    def _check_param(self, key: Scalar, kind: Type, written: Scalar, template: Template) -> None:
        param = template.params.get(key.text)
        if param is None:
            what = f'The template "{template.name}" has no param "{key.text}".'
            self._problems.add("no-such-param", key.place, what, nearest(key.text, template.params))
        else:
            check_kind(kind, param.type, written, f"The param `{key.text}`", self._problems)

    def _check_given(self, node: Tree, values: dict[str, Expression], template: Template) -> None:
        for param in template.params.values():
            if param.name in values or param.optional or param.default is not None:
                continue
            what = f'The template "{template.name}" needs the param `{param.name}`.'
            mend = f"Add `with: {{{param.name}: ...}}`."
            self._problems.add("param-missing", scalar(node["send"]).place, what, mend)
