"""What went wrong as one sentence and an exit code: 1 refused or problems found, 2 cannot run."""

import msgspec
import redis.exceptions
from aiokafka import errors
from confluent_kafka import KafkaError, KafkaException

from console.folders import CannotRead
from journeys.language.problems import MapError
from schemas.errors import ContractError
from streams.embedded import CannotEmbed
from streams.imports import UnreadableFile
from streams.ports import Fenced, Halt
from streams.publishing import PublicationRefused
from streams.settings import SettingsError

REFUSED, CANNOT_RUN = 1, 2

NO_KAFKA = (
    "Kafka cannot be reached. Name a broker with --kafka or WAYLINE_KAFKA__BOOTSTRAP, "
    "or run `wayline dev`, which brings its own."
)
NO_REDIS = (
    "Redis cannot be reached. Name it with --redis or WAYLINE_REDIS__URL, "
    "or run `wayline dev`, which brings its own."
)

_AWAY = (
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._RESOLVE,
)


class Refused(Exception):
    """The command was understood and not done; the message says why and what to do."""


class CannotRun(Exception):
    """Something the command needs is not there; the message says what to do."""


def sentence(error: Exception) -> tuple[int, str] | None:
    """Exit code and words for an expected failure; None for a bug, which keeps its traceback."""
    match error:
        case Refused() | PublicationRefused() | ContractError() | Halt() | MapError():
            return REFUSED, str(error)
        case CannotRun() | CannotRead() | CannotEmbed() | SettingsError() | UnreadableFile():
            return CANNOT_RUN, str(error)
        case errors.KafkaError() | KafkaException() | Fenced():
            return CANNOT_RUN, _of_kafka(error)
        case redis.exceptions.RedisError():
            return CANNOT_RUN, _of_redis(error)
        case msgspec.MsgspecError():
            return CANNOT_RUN, f"What is stored was written by another Wayline ({error})."
        case OSError():
            return CANNOT_RUN, _of_the_system(error)
        case _:
            return None


def _of_kafka(error: Exception) -> str:
    match error:
        case errors.UnknownTopicOrPartitionError():
            return "A topic is missing. Run `wayline topics create <workspace>`."
        case errors.KafkaConnectionError() | errors.KafkaTimeoutError():
            return NO_KAFKA
        case KafkaException(args=[KafkaError() as said, *_]):
            return NO_KAFKA if said.code() in _AWAY else f"Kafka refused: {said.str()}."
        case Fenced():
            return f"{error}. Another command did the same meanwhile; run it again."
        case _:
            return f"Kafka refused: {error}."


def _of_redis(error: redis.exceptions.RedisError) -> str:
    match error:
        case redis.exceptions.AuthenticationError():
            return "Redis refused the password in WAYLINE_REDIS__URL."
        case redis.exceptions.ConnectionError() | redis.exceptions.TimeoutError():
            return NO_REDIS
        case _:
            return f"Redis refused: {error}."


def _of_the_system(error: OSError) -> str:
    if error.strerror is None:
        return str(error) or type(error).__name__
    return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
