"""`/metrics`, `/healthz` and `/readyz` of a worker.

They are answered by the loop that does the work: a loop that is blocked does not answer, and that
is the signal. A thread would go on saying that all is well.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from streams.settings import MetricsAt, SettingsError

Reasons = Callable[[], Sequence[str]]
"""Why not, in words; nothing where all is well."""


@asynccontextmanager
async def served(
    where: MetricsAt, registry: CollectorRegistry, ready: Reasons, alive: Reasons = tuple
) -> AsyncIterator[int]:
    """Serves while the block runs; gives the port, 0 where serving is off.

    `/healthz` fails (503) with the reasons of `alive`: restart me. `/readyz` fails with those of
    `ready`: not yet, or not now. Raises SettingsError when the port is taken.
    """
    if not where.port:
        yield 0
        return
    runner = web.AppRunner(_application(registry, ready, alive), access_log=None)
    await runner.setup()
    try:
        yield await _listen(runner, where)
    finally:
        await runner.cleanup()


def _application(registry: CollectorRegistry, ready: Reasons, alive: Reasons) -> web.Application:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def healthz(_: web.Request) -> web.Response:
        return _verdict(alive())

    async def readyz(_: web.Request) -> web.Response:
        return _verdict(ready())

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    return application


async def _listen(runner: web.AppRunner, where: MetricsAt) -> int:
    site = web.TCPSite(runner, where.host, where.port)
    try:
        await site.start()
    except OSError as error:
        raise SettingsError(
            f"Metrics cannot be served on {where.host}:{where.port} ({error.strerror}). Set "
            "WAYLINE_METRICS__PORT to a free port, or to 0 to serve none."
        ) from None
    port: int = runner.addresses[0][1]
    return port


def _verdict(reasons: Sequence[str]) -> web.Response:
    if not reasons:
        return web.Response(text="ok\n")
    return web.Response(status=503, text="\n".join(reasons) + "\n")
