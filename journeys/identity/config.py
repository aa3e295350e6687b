"""The rules of identity as a workspace configures them, checked once and then frozen.

What a workspace leaves out has a default; what is known but not built is refused by name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

import phonenumbers

from journeys.identity.namespaces import (
    CLASSES,
    DEFAULT_NAMESPACES,
    EVERYTHING,
    GMAIL,
    LINKS,
    NORMS,
    ON_CONFLICT,
    ON_LIMIT,
    Namespace,
    Source,
)

DEMO_KEY = b"wayline: a public key, for demonstrations only"
"""Anyone can compute the tokens made with it: production brings its own key."""

KEY_VARIABLE = "WAYLINE_IDENTITY_KEY"

DEFAULT_BLOCKED_EXACT = (
    *("", "null", "none", "undefined", "nan", "anonymous", "guest", "-1", "unknown", "not set"),
    *("not_authenticated", "[object object]", "true", "false", "n/a", "distinct_id"),
    *("distinctid", "id", "email", "test@test.com"),
)
DEFAULT_BLOCKED_PATTERNS = (r"^[0\-]+$", r"^(.)\1{5,}$")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.\*|(\.[A-Za-z0-9_-]+)*)")
_MEMBER = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_LONGEST_MEMBER = 100
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_NAMESPACE_WORDS = {"cls", "rank", "norm", "link", "limit", "on_limit", "on_conflict"}
_NAMESPACE_WORDS |= {"share_after", "confirmed", "ttl", "fold_gmail"}
_WORDS = {"version", "tenant", "region", "survivor", "max_event_ids", "max_identifiers"}
_WORDS |= {"max_merges", "touch_interval", "alias_ttl", "tombstone_ttl", "storage"}
_WORDS |= {"consistency", "namespaces", "blocked", "blocked_values", "shared", "sources"}


class ConfigProblem(NamedTuple):
    """`path` points into the configuration (`namespaces.phone.rank`)."""

    path: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"identity.{self.path}: {self.what} {self.mend}"


class IdentityConfigError(ValueError):
    """Carries every problem of a configuration, in its order."""

    def __init__(self, problems: list[ConfigProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class IdentityConfig:
    """All that decides whose a touchpoint is. Two workers with equal ones agree on every id.

    `max_identifiers` and `max_merges` are per profile, None for no bound. Within `touch_interval`
    (ms) it is not written again that an identifier was seen. `shared` devices are as they were
    written, `namespace:value`. So many ms a merged profile's id is known (`alias_ttl`), and what
    was undone (`tombstone_ttl`): whoever is older then only finds people. 0: for ever. `tenant`
    is written into the rows of `identity.merges`.
    """

    namespaces: Mapping[str, Namespace]
    key: bytes = field(repr=False)
    version: int = 1
    region: str = "CN"
    max_event_ids: int = 20
    max_identifiers: int | None = 200
    max_merges: int | None = 100
    touch_interval: int = 3_600_000
    alias_ttl: int = 0
    tombstone_ttl: int = 0
    tenant: str = ""
    blocked_exact: frozenset[str] = frozenset()
    blocked_patterns: tuple[re.Pattern[str], ...] = ()
    blocked_values: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    sources: Mapping[str, Source] = field(default_factory=dict)

    def namespace(self, name: str) -> Namespace | None:
        """The rules for a concrete namespace, by its name or by the pattern that covers it."""
        if found := self.namespaces.get(name):
            return found if "*" not in name else None
        family, _, member = name.partition(".")
        if len(member) > _LONGEST_MEMBER or not _MEMBER.fullmatch(member):
            return None
        return self.namespaces.get(family + ".*")

    @cached_property
    def evicts_from(self) -> int:
        """Nothing is evicted from a profile of this many identifiers, or fewer."""
        limits = [one.limit for one in self.namespaces.values() if one.evicts]
        return min((limit for limit in limits if limit is not None), default=1 << 30)

    def rules_of(self, token: str) -> Namespace:
        """The rules for an identifier by its token; none but its name, if it has none any more."""
        name = token.rpartition(":")[0]
        return self.namespace(name) or Namespace(name, "none", 1 << 30)

    def source(self, name: str) -> Source:
        return self.sources.get(name, EVERYTHING)

    def is_person(self, token: str) -> bool:
        """Whether an identifier of this token names a person whom somebody knows."""
        return self.rules_of(token).cls == "person"


def ageless(config: IdentityConfig) -> IdentityConfig:
    """The same rules, but nothing lapses: where time is that of imported rows, all is old."""
    return replace(config, alias_ttl=0, tombstone_ttl=0)


def identity_config(raw: Mapping[str, Any], key: bytes = DEMO_KEY) -> IdentityConfig:
    """The configuration in the `identity` part of `wayline.yaml`; `key` makes tokens and ids.

    Raises IdentityConfigError with all problems.
    """
    reader = _Reader(raw)
    namespaces = reader.namespaces()
    exact, patterns = reader.blocked()
    config = IdentityConfig(
        namespaces=namespaces,
        key=key if len(key) <= blake2b.MAX_KEY_SIZE else blake2b(key).digest(),
        version=reader.number("version", 1),
        region=reader.region(),
        max_event_ids=reader.number("max_event_ids", 20),
        max_identifiers=reader.bound("max_identifiers", 200),
        max_merges=reader.bound("max_merges", 100),
        tenant=reader.text("tenant"),
        touch_interval=1000 * reader.number("touch_interval", 3600, least=0),
        alias_ttl=reader.kept_for("alias_ttl"),
        tombstone_ttl=reader.kept_for("tombstone_ttl"),
        blocked_exact=exact,
        blocked_patterns=patterns,
        blocked_values=reader.identifiers("blocked_values"),
        shared=reader.identifiers("shared"),
        sources=reader.sources(),
    )
    reader.check_the_rest()
    if reader.problems:
        raise IdentityConfigError(reader.problems)
    return config


class _Reader:
    """Reads one configuration and collects what is wrong with it."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self.problems: list[ConfigProblem] = []

    def problem(self, path: str, what: str, mend: str) -> None:
        self.problems.append(ConfigProblem(path, what, mend))

    def number(self, name: str, default: int, least: int = 1) -> int:
        return self._whole(self._raw.get(name, default), name, default, least)

    def bound(self, name: str, default: int) -> int | None:
        """A number above 0, or null for none."""
        given = self._raw.get(name, default)
        return None if given is None else self._whole(given, name, default)

    def text(self, name: str) -> str:
        given = self._raw.get(name, "")
        if not isinstance(given, str):
            self.problem(name, f"{given!r} is no text.", 'Write a name, such as "acme".')
            return ""
        return given

    def kept_for(self, name: str) -> int:
        """Milliseconds, at least those of a day; 0 for ever."""
        given = self._raw.get(name, 0)
        ttl = _duration(given)
        if given != 0 and ttl < _UNITS["d"]:
            self.problem(name, f"{given!r} is no duration for this.", "Write 90d, or 0: for ever.")
        return ttl

    def region(self) -> str:
        region = self._raw.get("region", "CN")
        if region not in phonenumbers.SUPPORTED_REGIONS:
            self.problem("region", f"{region!r} is no region.", "Write two letters, such as CN.")
            return "CN"
        return str(region)

    def namespaces(self) -> dict[str, Namespace]:
        given = self._mapping("namespaces")
        found = {
            str(name): self._namespace(str(name), given.get(name))
            for name in [*DEFAULT_NAMESPACES, *(n for n in given if n not in DEFAULT_NAMESPACES)]
        }
        ranks: dict[int, str] = {}
        for name, namespace in found.items():
            other = ranks.setdefault(namespace.rank, name)
            if other != name:
                path = f"namespaces.{name}.rank"
                self.problem(path, f"{other} has this rank, too.", "Give each its own.")
        if not any(namespace.cls == "person" for namespace in found.values()):
            self.problem("namespaces", "None is of class person.", "Give one `cls: person`.")
        return found

    def blocked(self) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
        given = self._mapping("blocked")
        self._unknown("blocked", given, {"exact", "pattern"})
        exact = self._texts(given, "blocked", "exact", DEFAULT_BLOCKED_EXACT)
        patterns = []
        for pattern in self._texts(given, "blocked", "pattern", DEFAULT_BLOCKED_PATTERNS):
            try:
                patterns.append(re.compile(pattern))
            except re.error as wrong:
                self.problem("blocked.pattern", f"{pattern!r}: {wrong}.", "Mend the pattern.")
        return frozenset(text.lower() for text in exact), tuple(patterns)

    def identifiers(self, name: str) -> frozenset[str]:
        values = self._texts(self._raw, "", name, ())
        for value in values:
            if ":" not in value:
                self.problem(name, f"{value!r} is no identifier.", "Write ns:value.")
        return frozenset(values)

    def sources(self) -> dict[str, Source]:
        found = {}
        for name, given in self._mapping("sources").items():
            path = f"sources.{name}"
            if not isinstance(given, Mapping):
                self.problem(path, "Its policy is missing.", "Write {link: none} or {ignore: […]}.")
                continue
            self._unknown(path, given, {"link", "ignore"})
            link = self._one_of(given.get("link", "full"), f"{path}.link", ("none", "full"))
            ignores = self._texts(given, path, "ignore", ())
            found[str(name)] = Source(link == "none", frozenset(ignores))
        return found

    def check_the_rest(self) -> None:
        """Keys that are known, and do nothing or are not built; all others are mistakes."""
        self._only("survivor", "known_then_oldest")
        if self._raw.get("consistency", "fast") != "fast":
            what = "On one Redis node every answer is as strict as can be."
            self.problem("consistency", what, "Leave it out.")
        storage = self._mapping("storage")
        self._unknown("storage", storage, {"values", "key_env"})
        if storage.get("values", "hmac") != "hmac":
            what = (
                "Identity stores keyed hashes only, so that no key, log or backup names a person."
            )
            self.problem("storage.values", what, "Leave it out; `wayline who` finds by values.")
        if storage.get("key_env", KEY_VARIABLE) != KEY_VARIABLE:
            what = f"The key is read from {KEY_VARIABLE}."
            self.problem("storage.key_env", what, "Leave it out, and set that variable.")
        self._unknown("", self._raw, _WORDS)

    def _namespace(self, name: str, given: Any) -> Namespace:
        path = f"namespaces.{name}"
        if not _NAME.fullmatch(name):
            mend = "Use letters, digits, _ and -, with .* at the end for a family."
            self.problem(path, "This is no name for a namespace.", mend)
        if given is not None and not isinstance(given, Mapping):
            self.problem(path, "Its rules are missing.", "Write {cls: …, rank: …}.")
            given = None
        raw = {**DEFAULT_NAMESPACES.get(name, {}), **(given or {})}
        for word in ("cls", "rank"):
            if word not in raw:
                self.problem(f"{path}.{word}", "It is missing.", "Every namespace needs it.")
        limit, window = self._limit(path, raw.get("limit"))
        share_after = raw.get("share_after")
        namespace = Namespace(
            name=name,
            cls=self._one_of(raw.get("cls", "none"), f"{path}.cls", CLASSES),
            rank=self._whole(raw.get("rank", 1000), f"{path}.rank", 1000),
            norm=self._norm(path, raw),
            link=self._one_of(raw.get("link", "full"), f"{path}.link", LINKS),
            limit=limit,
            window=window,
            on_limit=self._one_of(raw.get("on_limit", "refuse"), f"{path}.on_limit", ON_LIMIT),
            on_conflict=self._one_of(
                raw.get("on_conflict", "keep"), f"{path}.on_conflict", ON_CONFLICT
            ),
            share_after=None
            if share_after is None
            else self._whole(share_after, f"{path}.share_after", 3, 2),
            ttl=self._ttl(path, raw.get("ttl")),
        )
        self._check_words(path, raw, namespace)
        return namespace

    def _check_words(self, path: str, raw: Mapping[str, Any], namespace: Namespace) -> None:
        limited = namespace.limit is not None and not namespace.evicts
        if namespace.on_conflict == "move" and limited and raw.get("confirmed") is not True:
            self.problem(
                f"{path}.on_conflict",
                "A limited identifier that moves takes its owner's place elsewhere.",
                "Use move_if_verified or on_limit: evict_oldest; if it is meant, confirmed: true.",
            )
        self._unknown(path, raw, _NAMESPACE_WORDS)

    def _norm(self, path: str, raw: Mapping[str, Any]) -> tuple[str, ...]:
        steps = self._texts(raw, path, "norm", ())
        found = tuple(self._one_of(step, f"{path}.norm", NORMS) for step in steps)
        folds = raw.get("fold_gmail", False)
        if not isinstance(folds, bool) or (folds and "email" not in found):
            mend = "Write true or false, and for a namespace with `norm: [email]`."
            self.problem(f"{path}.fold_gmail", f"{folds!r} says nothing here.", mend)
            return found
        return (*found, GMAIL) if folds else found

    def _limit(self, path: str, given: Any) -> tuple[int | None, int | None]:
        """The bound and its window in ms, None where there is none."""
        path = f"{path}.limit"
        if given is None:
            return None, None
        if not isinstance(given, Mapping):
            return self._whole(given, path, 1, 0), None
        self._unknown(path, given, {"max", "window"})
        window = self._whole(given.get("window", 1), f"{path}.window", 1)
        return self._whole(given.get("max"), f"{path}.max", 1), 1000 * window

    def _ttl(self, path: str, given: Any) -> int | None:
        """Milliseconds; longer than the interval at which it is noted that one was seen."""
        if given is None:
            return None
        ttl = _duration(given)
        interval = self._raw.get("touch_interval", 3600)
        if ttl <= (1000 * interval if isinstance(interval, int) else 0):
            mend = "Write one longer than touch_interval, such as 400d."
            self.problem(f"{path}.ttl", f"{given!r} is no duration for this.", mend)
        return ttl

    def _only(self, name: str, value: str) -> None:
        if name in self._raw and self._raw[name] != value:
            self.problem(name, f"{self._raw[name]!r} is not supported yet.", f"Write {value}.")

    def _unknown(self, path: str, given: Mapping[str, Any], known: set[str]) -> None:
        for word in given:
            if word not in known:
                where = f"{path}.{word}" if path else str(word)
                self.problem(where, "Unknown here.", f"Known are {', '.join(sorted(known))}.")

    def _one_of(self, value: Any, path: str, values: tuple[str, ...]) -> str:
        if value not in values:
            self.problem(path, f"{value!r} is none of its values.", f"Use {', '.join(values)}.")
            return values[-1]
        return str(value)

    def _whole(self, value: Any, path: str, default: int, least: int = 1) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.problem(path, f"{value!r} is no whole number from {least} on.", "Write one.")
            return default
        return value

    def _mapping(self, name: str) -> Mapping[str, Any]:
        value = self._raw.get(name) or {}
        if not isinstance(value, Mapping):
            self.problem(name, "This is no mapping.", "Write keys and values.")
            return {}
        return value

    def _texts(
        self, raw: Mapping[str, Any], path: str, name: str, default: tuple[str, ...]
    ) -> tuple[str, ...]:
        value = raw.get(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            where = f"{path}.{name}" if path else name
            self.problem(where, "This is no list of texts.", 'Write ["a", "b"].')
            return default
        return tuple(value)


def _duration(given: Any) -> int:
    """Milliseconds; 0 for what is none."""
    found = _DURATION.fullmatch(given) if isinstance(given, str) else None
    return int(found[1]) * _UNITS[found[2]] if found else 0
