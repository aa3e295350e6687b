"""What an operator may set: environment variables named `WAYLINE_…`, read once, then frozen.

A group's fields follow two underscores (`WAYLINE_KAFKA__BOOTSTRAP`). A `WAYLINE_` variable that
means nothing is refused, because a misspelt one would silently leave the default in force.
"""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.topics import Topics
from streams.kafka import KafkaConnection
from streams.keys import Keys

PREFIX = "WAYLINE_"
NESTED = "__"


class SettingsError(Exception):
    """The operator's fault; the message names the variable and says what to do."""


class Publishing(StrEnum):
    """How outputs and positions reach Kafka (architecture: Contract)."""

    EXACTLY_ONCE = "exactly_once"
    AT_LEAST_ONCE = "at_least_once"


class Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kafka(Group):
    """`session_timeout_ms`: how long a killed worker's partitions rest; brokers allow 6 s or more.

    `embedded` is set by `wayline dev` and `wayline demo` for the broker they bring.
    `transaction_timeout_ms` plus up to 10 s is what a reader waits behind an abandoned transaction.
    """

    bootstrap: str = "127.0.0.1:9092"
    embedded: bool = False
    session_timeout_ms: int = Field(default=10_000, ge=6_000)
    transaction_timeout_ms: int = Field(default=10_000, ge=1_000)


class Redis(Group):
    """`timeout_ms`: how long one command may take before it counts as failed."""

    url: str = Field(default="redis://127.0.0.1:6379/0", pattern=r"^(rediss?|unix)://")
    timeout_ms: int = Field(default=10_000, ge=100)


class Worker(Group):
    """`name`: stable over restarts (a StatefulSet's pod), so that a restart moves no partitions.

    Two live workers must not share one. Empty: partitions move at each restart.
    """

    name: str = ""


class MetricsAt(Group):
    """Where `/metrics`, `/healthz` and `/readyz` are served; port 0 serves nothing."""

    host: str = "127.0.0.1"
    port: int = Field(default=9464, ge=0, le=65535)


class Log(Group):
    """`format` auto: lines for people on a terminal, JSON elsewhere."""

    format: Literal["auto", "json", "pretty"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Time(Group):
    """`hold_at_most_ms`: after so long a silent source with a backlog no longer holds time back.

    `idle_tick_ms`: a shard where nothing happens gets a Tick so often.
    """

    hold_at_most_ms: int = Field(default=3_600_000, ge=1_000)
    idle_tick_ms: int = Field(default=60_000, ge=1_000)


class Settings(BaseSettings):
    """All settings of one process. `prefix` separates workspaces that share Kafka and Redis."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=NESTED, frozen=True, extra="forbid"
    )

    prefix: str = Field(default="", pattern=r"^[a-z0-9-]*$")
    publishing: Publishing = Publishing.EXACTLY_ONCE
    identity_key: SecretStr | None = Field(default=None, min_length=16)
    kafka: Kafka = Kafka()
    redis: Redis = Redis()
    worker: Worker = Worker()
    metrics: MetricsAt = MetricsAt()
    log: Log = Log()
    time: Time = Time()

    @property
    def topics(self) -> Topics:
        return Topics(self.prefix)

    @property
    def keys(self) -> Keys:
        return Keys(self.prefix)

    @property
    def group(self) -> str:
        """The consumer group: one for each workspace."""
        return f"{self.prefix}.wayline" if self.prefix else "wayline"

    @property
    def connection(self) -> KafkaConnection:
        """How to reach Kafka."""
        return KafkaConnection(self.kafka.bootstrap, self.kafka.embedded)

    def secret_identity_key(self) -> bytes:
        """The key of all identity tokens; raises SettingsError where none was set."""
        if self.identity_key is None:
            raise SettingsError(
                "WAYLINE_IDENTITY_KEY is not set. Set it to a secret of at least 16 characters "
                "and keep it: with another key nobody is recognised again."
            )
        return self.identity_key.get_secret_value().encode()


def load_settings(**given: Any) -> Settings:
    """The settings of the environment; `given` (`kafka={"bootstrap": …}`) goes before them.

    Raises SettingsError, which names every variable that is unknown or has a wrong value.
    """
    unknown = list(_unknown(os.environ))
    if unknown:
        raise SettingsError("\n".join(unknown))
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError("\n".join(_wrong(error))) from None


def environment(settings: Settings) -> dict[str, str]:
    """The variables from which `load_settings` in another process makes these settings again."""
    return dict(_variables(settings, PREFIX))


def known_variables() -> list[str]:
    """The name of every variable, in the order of the settings."""
    return list(_names(Settings, PREFIX))


def _unknown(environ: Mapping[str, str]) -> Iterator[str]:
    known = known_variables()
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX) or name.upper() in known:
            continue
        near = get_close_matches(name.upper(), known, n=1, cutoff=0.0)
        yield f"There is no setting {name}. Did you mean {near[0]}? Rename it or unset it."


def _wrong(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        variable = PREFIX + NESTED.join(str(part) for part in problem["loc"]).upper()
        what = problem["msg"]
        yield f"{variable}: {what[0].lower()}{what[1:]}. Set it anew or unset it."


def _names(model: type[BaseModel], before: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _names(inner, before + name.upper() + NESTED)
        else:
            yield before + name.upper()


def _variables(model: BaseModel, before: str) -> Iterator[tuple[str, str]]:
    for name in type(model).model_fields:
        value, variable = getattr(model, name), before + name.upper()
        if isinstance(value, BaseModel):
            yield from _variables(value, variable + NESTED)
        elif isinstance(value, SecretStr):
            yield variable, value.get_secret_value()
        elif value is not None:
            yield variable, str(value)
