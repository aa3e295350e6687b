"""The rules of identity as a workspace configures them, checked once and then frozen.

What a workspace leaves out has a default; what is known but not built yet is refused by name
where it would change whose a touchpoint is, and accepted where it would not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

import phonenumbers

DEMO_KEY = b"wayline: a public key, for demonstrations only"
"""Anyone can compute the tokens made with it: production brings its own key."""

CLASSES = ("person", "account", "contact", "txn", "device", "none")
LINKS = ("full", "attach", "resolve", "never")
NORMS = ("phone", "email", "lower", "upper_alnum")

DEFAULT_NAMESPACES: Mapping[str, Mapping[str, Any]] = {
    "crm_id": {"cls": "person", "rank": 10},
    "user_id": {"cls": "person", "rank": 20},
    "customer_id": {"cls": "person", "rank": 25},
    "member_card": {"cls": "person", "rank": 30, "norm": ["upper_alnum"]},
    "unionid.*": {"cls": "person", "rank": 40},
    "openid.*": {"cls": "account", "rank": 50},
    "wecom_ext.*": {"cls": "account", "rank": 52},
    "phone": {"cls": "contact", "rank": 60, "norm": ["phone"]},
    "email": {"cls": "contact", "rank": 70, "norm": ["email"]},
    "landline": {"cls": "contact", "rank": 75, "link": "attach", "norm": ["phone"]},
    "order_id": {"cls": "txn", "rank": 80},
    "device_id": {"cls": "device", "rank": 90, "norm": ["lower"]},
    "cookie": {"cls": "device", "rank": 95},
    "qr": {"cls": "none", "rank": 999, "link": "never"},
}
DEFAULT_BLOCKED_EXACT = (
    *("", "null", "none", "undefined", "nan", "anonymous", "guest", "-1", "unknown", "not set"),
    *("not_authenticated", "[object object]", "true", "false", "n/a", "distinct_id"),
    *("distinctid", "id", "email", "test@test.com"),
)
DEFAULT_BLOCKED_PATTERNS = (r"^[0\-]+$", r"^(.)\1{5,}$")

_MEND_LATER = "Leave it out for now."
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.\*|(\.[A-Za-z0-9_-]+)*)")
_MEMBER = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_LONGEST_MEMBER = 100
# Known keys of a namespace that change nothing as long as nothing is limited.
_WITHOUT_EFFECT = {
    "on_limit": ("refuse", "evict_oldest"),
    "on_conflict": ("keep", "move", "move_if_verified", "share"),
}


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


@dataclass(frozen=True, slots=True)
class Namespace:
    """The rules for one kind of identifier; `name` may be a pattern such as `openid.*`."""

    name: str
    cls: str
    rank: int
    norm: tuple[str, ...] = ()
    link: str = "full"


@dataclass(frozen=True)
class IdentityConfig:
    """All that decides whose a touchpoint is. Two workers with equal ones agree on every id."""

    namespaces: Mapping[str, Namespace]
    key: bytes = field(repr=False)
    version: int = 1
    region: str = "CN"
    max_event_ids: int = 20
    blocked_exact: frozenset[str] = frozenset()
    blocked_patterns: tuple[re.Pattern[str], ...] = ()
    blocked_values: frozenset[str] = frozenset()

    def namespace(self, name: str) -> Namespace | None:
        """The rules for a concrete namespace, by its name or by the pattern that covers it."""
        if found := self.namespaces.get(name):
            return found if "*" not in name else None
        family, _, member = name.partition(".")
        if len(member) > _LONGEST_MEMBER or not _MEMBER.fullmatch(member):
            return None
        return self.namespaces.get(family + ".*")

    def is_person(self, token: str) -> bool:
        """Whether an identifier of this token names a person whom somebody knows."""
        found = self.namespace(token.rpartition(":")[0])
        return found is not None and found.cls == "person"


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
        blocked_exact=exact,
        blocked_patterns=patterns,
        blocked_values=reader.blocked_values(),
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

    def number(self, name: str, default: int) -> int:
        return self._whole(self._raw.get(name, default), name, default)

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

    def blocked_values(self) -> frozenset[str]:
        values = self._texts(self._raw, "", "blocked_values", ())
        for value in values:
            if ":" not in value:
                self.problem("blocked_values", f"{value!r} is no identifier.", "Write ns:value.")
        return frozenset(values)

    def check_the_rest(self) -> None:
        """Keys that are known, and do nothing or are not built yet; all others are mistakes."""
        raw = self._raw
        self._only("survivor", {"known_then_oldest"})
        self._only("consistency", {"fast"})
        for name in ("max_identifiers", "max_merges"):
            if raw.get(name) is not None:
                self.problem(name, "Limits are not supported yet.", _MEND_LATER)
        for name in ("shared", "sources"):
            if raw.get(name):
                self.problem(name, "This is not supported yet.", _MEND_LATER)
        if raw.get("alias_ttl", 0) != 0:
            self.problem("alias_ttl", "Ids of merged profiles are kept for ever.", "Write 0.")
        storage = self._mapping("storage")
        self._unknown("storage", storage, {"values", "key_env"})
        if storage.get("values", "hmac") != "hmac":
            self.problem("storage.values", "Only hmac is supported yet.", "Write hmac.")
        known = {"version", "tenant", "region", "survivor", "max_event_ids", "max_identifiers"}
        known |= {"max_merges", "touch_interval", "alias_ttl", "tombstone_ttl", "storage"}
        known |= {"consistency", "namespaces", "blocked", "blocked_values", "shared", "sources"}
        self._unknown("", raw, known)

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
        self._check_later_words(path, raw)
        return Namespace(
            name=name,
            cls=self._one_of(raw.get("cls", "none"), f"{path}.cls", CLASSES),
            rank=self._whole(raw.get("rank", 1000), f"{path}.rank", 1000),
            norm=tuple(
                self._one_of(step, f"{path}.norm", NORMS)
                for step in self._texts(raw, path, "norm", ())
            ),
            link=self._one_of(raw.get("link", "full"), f"{path}.link", LINKS),
        )

    def _check_later_words(self, path: str, raw: Mapping[str, Any]) -> None:
        for word in ("limit", "ttl", "fold_gmail"):
            if raw.get(word):
                self.problem(f"{path}.{word}", "This is not supported yet.", _MEND_LATER)
        for word, values in _WITHOUT_EFFECT.items():
            if word in raw:
                self._one_of(raw[word], f"{path}.{word}", values)
        if "share_after" in raw:
            self._whole(raw["share_after"], f"{path}.share_after", 3)
        known = {"cls", "rank", "norm", "link", "limit", "ttl", "fold_gmail", "share_after"}
        self._unknown(path, raw, known | _WITHOUT_EFFECT.keys())

    def _only(self, name: str, values: set[str]) -> None:
        if name in self._raw and self._raw[name] not in values:
            mend = f"Write {' or '.join(sorted(values))}."
            self.problem(name, f"{self._raw[name]!r} is not supported yet.", mend)

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

    def _whole(self, value: Any, path: str, default: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.problem(path, f"{value!r} is no whole number above 0.", "Write one.")
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
