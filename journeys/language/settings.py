"""A workspace's settings, catalogue and templates: from checked trees to the model."""

from collections.abc import Mapping
from typing import Any, Literal
from zoneinfo import ZoneInfo

from schemas.intake.mapped import MappingError, MappingProblem, compile_mapping
from schemas.topics import TASKS

from .calendars import IsWorkday, workdays_of
from .catalogue import read_events, read_unique, section
from .conditions import compile_condition
from .contracts import read_contracts
from .durations import DAY_MS, parse_duration, roughly_ms
from .functions import is_moment
from .gate_settings import (
    check_channel,
    class_of,
    read_caps,
    read_holdout,
    read_quiet_hours,
    read_rate,
)
from .model import WEEK, Channel, Duration, Param, Source, Template, Workspace
from .names import SEGMENTS, Names, Reads
from .problems import Place, Problems
from .rates import parse_rate
from .segments import names_of, read_segments
from .signatures import fits, type_of, words_of
from .stores import read_stores
from .templates import Render, compile_block
from .traits import Traits, read_traits
from .tree import Mapping as Tree
from .tree import Node, Scalar, items, mapping, plain, scalar

SETTINGS = "wayline.yaml"

_SLA = Duration("24h", millis=DAY_MS)
_GRACE_MS = 5_000
_MEMORY_AT_MOST = 200
_OURS = ("lateness", "brings", "watermark")
_TEMPLATE_WORDS = ("class", "params")


def build_workspace(
    trees: Mapping[str, Node], documents: Mapping[str, str], digest: str, problems: Problems
) -> Workspace:
    """From the trees of all settings files, whose shapes are right, and from the documents that are
    no YAML; adds problems of names."""
    root = mapping(trees[SETTINGS])
    catalogues = [tree for file, tree in sorted(trees.items()) if file.startswith("catalogue/")]
    templates = [tree for file, tree in sorted(trees.items()) if file.startswith("templates/")]
    zone = ZoneInfo(scalar(root["timezone"]).text)
    events = read_events(catalogues, problems)
    traits = read_traits(catalogues, events, zone, problems)
    segments = read_segments(catalogues, traits, problems)
    channels = _channels(root, traits, problems)
    memory = section(root, "memory")
    return Workspace(
        name=scalar(root["workspace"]).text,
        zone=zone,
        clock=_clock(root),
        grace=_millis(root, "grace", _GRACE_MS),
        memory_for=_millis(memory, "for", DAY_MS),
        memory_at_most=_number(memory, "at_most", _MEMORY_AT_MOST),
        channels=channels,
        purposes=_purposes(root, channels, problems),
        templates=_templates(templates, channels, problems),
        sources=_sources(root, zone, problems),
        events=events,
        digest=digest,
        identity=plain(section(root, "identity")),
        is_workday=_workdays(root, problems),
        traits=traits.types or None,
        computed=traits.computed,
        figures={**traits.figures, SEGMENTS: names_of(segments)},
        unique=read_unique(catalogues, events, problems),
        credit=_credit(root),
        segments=segments,
        contracts=read_contracts(catalogues),
        quiet_hours=read_quiet_hours(root, channels, problems),
        caps=read_caps(root, channels, problems),
        holdout=read_holdout(root),
        rate=read_rate(root),
        hold_time_at_most=_millis(root, "hold_time_at_most", 0),
        stores=read_stores(root.get("stores"), documents, problems),
    )


def _credit(root: Tree) -> Duration:
    node = root.get("credit")
    found = None if node is None else parse_duration(scalar(node).text)
    return found or WEEK


def _workdays(root: Tree, problems: Problems) -> IsWorkday | None:
    node = root.get("calendar")
    if node is None:
        return None
    found = workdays_of(scalar(node).text)
    if found is None:
        what = f'There is no calendar "{scalar(node).text}".'
        mend = "Write a country's two letters, or a part of it: CN, DE, DE-BY."
        problems.add("bad-calendar", scalar(node).place, what, mend)
    return found


def _clock(root: Tree) -> Literal["wall", "event"]:
    node = root.get("clock")
    return "event" if node is not None and scalar(node).text == "event" else "wall"


def _millis(node: Tree, word: str, default: int) -> int:
    found = node.get(word)
    duration = None if found is None else parse_duration(scalar(found).text)
    return default if duration is None else roughly_ms(duration)


def _number(node: Tree, word: str, default: int) -> int:
    found = node.get(word)
    value = default if found is None else scalar(found).value
    assert isinstance(value, int)
    return value


def _channels(root: Tree, traits: Traits, problems: Problems) -> dict[str, Channel]:
    roots = frozenset({"profile", "now"})
    names = Names(roots=roots, traits=traits.types or None, figures=traits.figures)
    channels = {}
    for key, node in section(root, "channels").entries:
        channel = mapping(node)
        identifier = scalar(channel["identifier"])
        _check_identifier(identifier, problems)
        if key.text == TASKS:
            what = "No channel is called so, for the topic of tasks has that name."
            problems.add("bad-channel", key.place, what, "Give it another name.")
        consent, when = channel.get("consent"), channel.get("when")
        channels[key.text] = Channel(
            name=key.text,
            identifier=identifier.text,
            consent=None if consent is None else scalar(consent).text,
            when=None
            if when is None
            else compile_condition(scalar(when), names, Reads(), problems),
            human="human" in channel,
            role=scalar(channel["role"]).text if "role" in channel else "",
            sla=_sla(channel, problems),
            rate=parse_rate(scalar(channel["rate"]).text) if "rate" in channel else None,
        )
    return channels


def _sla(channel: Tree, problems: Problems) -> Duration | None:
    """A day where staff must confirm; nothing else has one."""
    if "human" in channel:
        return parse_duration(scalar(channel["sla"]).text) if "sla" in channel else _SLA
    for word in ("role", "sla"):
        if word in channel:
            what = f"`{word}` does nothing here, for no person confirms what goes by this channel."
            mend = "Add `human: true`, or leave it out."
            problems.add("bad-channel", channel.key(word).place, what, mend)
    return None


def _check_identifier(identifier: Scalar, problems: Problems) -> None:
    namespace = identifier.text.removesuffix(".*")
    if not namespace.replace(".", "").replace("_", "").replace("-", "").isalnum():
        what = f'"{identifier.text}" names no identifier.'
        mend = 'Write a namespace such as phone, or one that ends in ".*" such as "openid.*".'
        problems.add("bad-channel", identifier.place, what, mend)


def _purposes(
    root: Tree, channels: Mapping[str, Channel], problems: Problems
) -> dict[str, tuple[str, ...]]:
    purposes = {}
    for key, node in section(root, "purposes").entries:
        ranking = [scalar(each) for each in items(node)]
        for each in ranking:
            check_channel(each, channels, problems)
        purposes[key.text] = tuple(each.text for each in ranking)
    return purposes


def _templates(
    files: list[Node], channels: Mapping[str, Channel], problems: Problems
) -> dict[str, Template]:
    templates: dict[str, Template] = {}
    for file in files:
        for key, node in section(file, "templates").entries:
            if key.text in templates:
                what = f'The template "{key.text}" is written twice.'
                problems.add("duplicate-name", key.place, what, "Give one another name.")
            templates[key.text] = _template(key, mapping(node), channels, problems)
    return templates


def _template(
    key: Scalar, node: Tree, channels: Mapping[str, Channel], problems: Problems
) -> Template:
    params = _params(section(node, "params"), problems)
    defaults = {each.name: each.default for each in params.values() if each.default is not None}
    blocks: dict[str, Render] = {}
    for channel, block in node.entries:
        if channel.text in _TEMPLATE_WORDS:
            continue
        check_channel(channel, channels, problems)
        blocks[channel.text] = compile_block(mapping(block), params, defaults, problems)
    if not blocks:
        what = f'The template "{key.text}" has no channel.'
        mend = "Add a block such as `sms: {text: ...}`."
        problems.add("no-template-block", key.place, what, mend)
    return Template(name=key.text, class_=class_of(node), params=params, channels=blocks)


def _params(section_: Tree, problems: Problems) -> dict[str, Param]:
    params = {}
    for key, node in section_.entries:
        written = mapping(node)
        kind = scalar(written["type"]).text
        default = written.get("default")
        if default is not None:
            check_value(scalar(default), kind, f"The default of `{key.text}`", problems)
        optional = written.get("optional")
        params[key.text] = Param(
            name=key.text,
            type=kind,
            default=None if default is None else scalar(default).value,
            optional=optional is not None and scalar(optional).value is True,
        )
    return params


def check_value(written: Scalar, wanted: str, of: str, problems: Problems) -> None:
    """Adds a problem unless the literal value may stand for a param of this type."""
    check_kind(type_of(written.value), wanted, written, of, problems)


def check_kind(found: Any, wanted: Any, written: Scalar, of: str, problems: Problems) -> None:
    """The same for a value whose type is known; moments are written as texts."""
    if found == "text" and wanted in ("date", "time"):
        _check_moment(written, wanted, of, problems)
    elif not fits(found, wanted):
        what = f"{of} is {words_of(wanted)}, and this is {words_of(found)}."
        problems.add("wrong-type", written.place, what, f"Write {words_of(wanted)}.")


def _check_moment(written: Scalar, wanted: Any, of: str, problems: Problems) -> None:
    """A text that is one already, and none that is worked out later."""
    is_literal = "{{" not in written.text and not written.text.startswith("=")
    if is_literal and not is_moment(written.text):
        what = f'{of} is {words_of(wanted)}, and there is no "{written.text}".'
        mend = 'Write "2026-05-04", or "2026-05-04T10:00:00+08:00".'
        problems.add("bad-date", written.place, what, mend)


def _sources(root: Tree, zone: ZoneInfo, problems: Problems) -> dict[str, Source]:
    sources = {}
    for key, node in section(root, "sources").entries:
        written = mapping(node)
        raw = plain(written)
        foreign = {word: value for word, value in raw.items() if word not in _OURS}
        mapped = any(word not in ("topic", "bulk") for word in foreign)
        if mapped:
            _check_mapping(key, written, foreign, zone, problems)
        sources[key.text] = Source(
            name=key.text,
            topic=raw.get("topic"),
            bulk=raw.get("bulk") is True,
            mapping=foreign if mapped else None,
            lateness=_millis(written, "lateness", 0),
            brings=frozenset(scalar(each).text for each in items(written.get("brings"))),
            watermark="explicit" if raw.get("watermark") == "explicit" else "seen",
        )
    return sources


def _check_mapping(
    key: Scalar, written: Tree, raw: Any, zone: ZoneInfo, problems: Problems
) -> None:
    try:
        compile_mapping(key.text, raw, zone)
    except MappingError as error:
        for each in error.problems:
            place = _place_in(written, each, key.place)
            problems.add("bad-source", place, each.what, each.mend)


def _place_in(written: Tree, problem: MappingProblem, place: Place) -> Place:
    """The deepest key of the problem's path that is written."""
    node: Node = written
    for step in problem.path:
        if not isinstance(node, Tree) or step not in node:
            break
        place, node = node.key(step).place, node[step]
    return place
