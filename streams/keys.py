"""Every key in Redis. The part in braces is the hash tag: a shard's keys share one slot."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one workspace; `prefix` is put before each (`acme:`)."""

    prefix: str = ""

    def _named(self, key: str) -> str:
        return f"{self.prefix}:{key}" if self.prefix else key

    def meta(self, shard: int) -> str:
        return self._named(f"{{s{shard:02}}}:meta")

    def profile(self, shard: int, profile: str) -> str:
        return self._named(f"{{s{shard:02}}}:p:{profile}")

    def due(self, shard: int) -> str:
        return self._named(f"{{s{shard:02}}}:due")

    def gate(self, shard: int) -> str:
        return self._named(f"{{s{shard:02}}}:gate")

    def counts(self, shard: int, day: str) -> str:
        return self._named(f"{{s{shard:02}}}:counts:{day}")

    @property
    def progress(self) -> str:
        """Hash `<topic>/<partition>` -> ms."""
        return self._named("progress")

    def identifier(self, token: str) -> str:
        """`token` begins with its namespace's id; see `journeys.identity`."""
        return self._named(f"id:i:{token}")

    def identifiers(self, tokens: Iterable[str]) -> list[str]:
        """`identifier` of each: a batch has thousands."""
        begin = self.identifier("")
        return [begin + token for token in tokens]

    def node(self, profile: str) -> str:
        return self._named(f"id:p:{profile}")

    @property
    def identity_outbox(self) -> str:
        return self._named("id:outbox")

    @property
    def identity_valid(self) -> str:
        return self._named("id:valid")

    @property
    def identity_beat(self) -> str:
        return self._named("id:beat")

    @property
    def identity_key_print(self) -> str:
        return self._named("id:key")
