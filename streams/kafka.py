"""How to reach Kafka: the one place where an address and, later, credentials become settings."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """A cluster. `bootstrap` is `host:port`, several with commas between.

    `embedded`: librdkafka's mock cluster. It isolates no transactions, and the markers it writes
    at their end fail aiokafka's CRC check, so nothing may begin one there; nor can it describe
    topics.
    """

    bootstrap: str
    embedded: bool = False

    def client(self) -> dict[str, Any]:
        """What every aiokafka client of this cluster is made with."""
        return {"bootstrap_servers": self.bootstrap.split(",")}

    def librdkafka(self) -> dict[str, Any]:
        """The same for confluent-kafka, without its log on stderr."""
        return {"bootstrap.servers": self.bootstrap, "log_level": 0}
