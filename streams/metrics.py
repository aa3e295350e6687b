"""The figures of one worker, in a registry of their own.

Labels are shards, topics, codes, channels and maps: names that operators and designers chose.
Never a person's id, and never a name that comes from outside.
"""

import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from journeys.engine.effects import Output, Shard

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ACTIONS = "actions."
_STUCK = b'"kind":"stuck"'


class Metrics:
    """Everything a worker counts. `registry` is what `/metrics` shows.

    Each method is called once for a batch, not for a touchpoint.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._count_stitch()
        self._count_fold()
        self._gauge_time()

    @contextmanager
    def stitching(self) -> Iterator[None]:
        """Times one batch of stitch; a batch that fails is not counted."""
        began = time.perf_counter()
        yield
        self._stitch_seconds.observe(time.perf_counter() - began)

    def stitched(
        self, topic: str, touchpoints: int, refused: Iterable[str] = (), merges: int = 0
    ) -> None:
        """A batch of a source is in the inbox. `refused` holds the codes of its dead letters."""
        self._touchpoints.labels(topic).inc(touchpoints)
        self._merges.inc(merges)
        for code, count in Tally(refused).items():
            self._dead_letters.labels(topic, code).inc(count)

    def decided_again(self, times: int) -> None:
        """Identity had changed so often under a batch of stitch."""
        self._conflicts.inc(times)

    @contextmanager
    def folding(self, records: int) -> Iterator[None]:
        """Times one cycle of fold over so many records; one that fails is not counted."""
        began = time.perf_counter()
        yield
        self._fold_seconds.observe(time.perf_counter() - began)
        self._records.inc(records)

    def folded(self, facts: Shard, outputs: Sequence[Output]) -> None:
        """A shard is stored. `outputs` are those it published, so each of them counts once."""
        self._shard_time.labels(str(facts.number)).set(facts.time / 1000)
        self._held.labels(str(facts.number)).set(facts.held)
        actions = Tally(
            (_map_of(output), output.kind.removeprefix(_ACTIONS))
            for output in outputs
            if output.kind.startswith(_ACTIONS)
        )
        for (map_name, channel), count in actions.items():
            self._actions.labels(map_name, channel).inc(count)
        for output in outputs:
            if output.kind == "transitions" and _STUCK in output.value:
                self._stuck.labels(orjson.loads(output.value)["map"]).inc()

    def published(self, agent: str) -> None:
        """One transaction of `stitch` or `fold` was committed."""
        self._transactions.labels(agent).inc()

    def fenced(self, agent: str) -> None:
        """Another owner took a source or shard of this agent over, or an outcome was unknown."""
        self._fenced.labels(agent).inc()

    def rewound(self, agent: str) -> None:
        """A source or shard is read again from where its store is."""
        self._rewinds.labels(agent).inc()

    def behind(self, records: Mapping[tuple[str, int], int]) -> None:
        """How many records of each partition owned here are not done yet; others are not shown."""
        self._lag.clear()
        for (topic, partition), count in records.items():
            self._lag.labels(topic, str(partition)).set(count)

    def watermark(self, age_ms: int, left_out: int) -> None:
        """The age of the moment before which all is stitched, and how many sources it omits."""
        self._watermark_age.set(age_ms / 1000)
        self._left_out.set(left_out)

    def gave_up_shard(self, shard: int) -> None:
        """Shows a shard's gauges no longer: another worker does."""
        for gauge in (self._shard_time, self._held):
            with suppress(KeyError):
                gauge.remove(str(shard))

    def _count_stitch(self) -> None:
        self._touchpoints = self._counter("touchpoints", "Touchpoints stitched", "topic")
        self._dead_letters = self._counter(
            "dead_letters", "Records that broke their contract", "topic", "code"
        )
        self._merges = self._counter("merges", "Profiles found to be one person")
        self._conflicts = self._counter("identity_conflicts", "Batches of stitch decided again")
        self._stitch_seconds = self._seconds("stitch_batch", "One batch of stitch")

    def _count_fold(self) -> None:
        self._records = self._counter("records_folded", "Inbox records folded")
        self._actions = self._counter("actions", "Actions published", "map", "channel")
        self._stuck = self._counter("stuck_instances", "Instances that could not go on", "map")
        self._transactions = self._counter("transactions", "Transactions committed", "agent")
        self._fenced = self._counter("fenced", "Times another owner took over", "agent")
        self._rewinds = self._counter("rewinds", "Times a partition was read again", "agent")
        self._fold_seconds = self._seconds("fold_cycle", "One cycle of fold")

    def _gauge_time(self) -> None:
        self._lag = self._gauge("lag_records", "Records not done yet", "topic", "partition")
        self._shard_time = self._gauge(
            "shard_time_seconds", "Timers up to this moment have fired", "shard"
        )
        self._held = self._gauge("shard_held", "1 while no action may leave", "shard")
        self._watermark_age = self._gauge(
            "watermark_age_seconds", "Age of the moment before which all has been stitched"
        )
        self._left_out = self._gauge(
            "sources_left_out", "Silent sources with a backlog that no longer hold time back"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace="wayline", registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace="wayline", registry=self.registry)

    def _seconds(self, name: str, text: str) -> Histogram:
        return Histogram(
            f"{name}_seconds", text, namespace="wayline", registry=self.registry, buckets=_SECONDS
        )


def _map_of(output: Output) -> str:
    """The map's name in the CloudEvents source `/maps/<name>/<version>`."""
    source = dict(output.headers).get("ce_source", b"")
    return source.decode().removeprefix("/maps/").partition("/")[0]
