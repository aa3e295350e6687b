"""`wayline worker`: both agents, until it is ended."""

import typer

from console.cli.options import KafkaOption, PrefixOption, RedisOption, examples


def add_to(app: typer.Typer) -> None:
    lines = ("wayline worker", "WAYLINE_KAFKA__BOOTSTRAP=broker:9092 wayline worker")
    app.command(epilog=examples(*lines))(worker)


def worker(
    kafka: KafkaOption = None, redis: RedisOption = None, prefix: PrefixOption = None
) -> None:
    """Run a worker: stitch and fold. Start as many as there is work for; 12 can share it.

    Everything is set by WAYLINE_ variables; SIGTERM ends it after the batch in hand.
    """
    import asyncio

    from console.connections import settings_for
    from streams.app import run_worker
    from streams.logs import configure_logs

    settings = settings_for(kafka, redis, prefix)
    configure_logs(settings.log)
    asyncio.run(run_worker(settings))
