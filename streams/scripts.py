"""Lua files as functions that are called by name, so that nothing is counted by hand.

A file says what its KEYS and ARGV are called in two lines, which are read here:

    local meta, due = unpack(KEYS, 1, 2)
    local topic, start, values = unpack(ARGV, 1, 3)

The bounds may be left out where KEYS is short: Lua's unpack ends at some 8,000 values.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha1
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, ResponseError

from streams.ports import Conflict, Halt, IdentityInvalid, Stale

REFUSALS: Mapping[str, type[Exception]] = {
    "STALE": Stale,
    "CONFLICT": Conflict,
    "INVALID": IdentityInvalid,
    "HALT": Halt,
    "TOPIC": Halt,
}
"""What the first word of a script's error reply becomes here."""

LUA = files("streams").joinpath("lua")
_PLAIN = frozenset({str, int})
_pack = msgspec.msgpack.Encoder().encode
_DECLARATION = re.compile(
    r"^local (?P<names>\w+(?:, \w+)*) = unpack\((?P<table>KEYS|ARGV)(?:, 1, (?P<bound>\d+))?\)",
    re.MULTILINE,
)


class Script:
    """One file of `streams/lua`, sent as EVALSHA, and once more as EVAL to a server without it.

    Raises ValueError for a file whose bounds and names disagree.
    """

    def __init__(self, redis: Redis, name: str, folder: Traversable = LUA) -> None:
        self._redis = redis
        self._text = folder.joinpath(f"{name}.lua").read_text(encoding="utf-8")
        self._sha = sha1(self._text.encode(), usedforsecurity=False).hexdigest()
        self.key_names = _declared(self._text, "KEYS")
        self.arg_names = _declared(self._text, "ARGV")

    async def __call__(
        self,
        keys: Mapping[str, str],
        args: Mapping[str, Any],
        more_keys: Sequence[str] = (),
    ) -> Any:
        """The script's reply, undecoded.

        `keys` and `args` hold exactly the declared names, else KeyError. A list, tuple or dict
        among `args` is sent as msgpack, for `cmsgpack.unpack`. `more_keys` follow the named ones:
        the script finds the i-th of n at `KEYS[#KEYS - n + i]`.
        An error reply whose first word is in `REFUSALS` is raised as that; any other as
        redis's ResponseError.
        """
        named = [keys[name] for name in _all_of(self.key_names, keys)]
        values = [_argument(args[name]) for name in _all_of(self.arg_names, args)]
        call = (len(named) + len(more_keys), *named, *more_keys, *values)
        try:
            return await self._run(call)
        except ResponseError as refused:
            word, _, reason = str(refused).partition(" ")
            if word not in REFUSALS:
                raise
            raise REFUSALS[word](reason) from refused

    async def _run(self, call: Any) -> Any:
        try:
            return await self._redis.evalsha(self._sha, *call)
        except NoScriptError:
            return await self._redis.eval(self._text, *call)


def _declared(text: str, table: str) -> tuple[str, ...]:
    for found in _DECLARATION.finditer(text):
        if found["table"] == table:
            names = tuple(found["names"].split(", "))
            if found["bound"] not in {None, str(len(names))}:
                raise ValueError(f"unpack({table}) is bounded by {found['bound']}, names {names}")
            return names
    return ()


def _all_of(names: tuple[str, ...], given: Mapping[str, Any]) -> tuple[str, ...]:
    if given.keys() != set(names):
        raise KeyError(f"the script takes {sorted(names)}, it was given {sorted(given)}")
    return names


def _argument(value: Any) -> Any:
    return _pack(_without_bin(value)) if isinstance(value, list | tuple | dict) else value


def _without_bin(value: Any) -> Any:
    """Bytes become msgpack's strings: Redis's cmsgpack is older than the type for bytes."""
    kind = type(value)
    if kind is bytes:
        return msgspec.Raw(b"\xdb" + len(value).to_bytes(4, "big") + value)
    if kind is list or kind is tuple:
        return [one if type(one) in _PLAIN else _without_bin(one) for one in value]
    if kind is dict:
        return {_without_bin(key): _without_bin(one) for key, one in value.items()}
    return value
