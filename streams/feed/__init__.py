"""The feed: Kafka to owners by way of Faust, in batches, one lane per partition.

`owner` and `lanes` know nothing of Faust; `transport` and `serving` do, and are imported by
`streams.app` alone.
"""

from .owner import Owner, Rewind, TakeOver

__all__ = ["Owner", "Rewind", "TakeOver"]
