"""How to reach Kafka: the one place where an address and, later, credentials become settings."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """A cluster. `bootstrap` is `host:port`, several with commas between.

    `transactional`: whether it isolates transactions. The embedded broker does not, and the
    markers it writes at their end fail aiokafka's CRC check: nothing may begin one there.
    """

    bootstrap: str
    transactional: bool = True

    def client(self) -> dict[str, Any]:
        """What every aiokafka client of this cluster is made with."""
        return {"bootstrap_servers": self.bootstrap.split(",")}

    def librdkafka(self) -> dict[str, Any]:
        """The same for confluent-kafka, without its log on stderr."""
        return {"bootstrap.servers": self.bootstrap, "log_level": 0}
