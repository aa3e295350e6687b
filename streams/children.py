"""Child processes that end when we do, however we end.

A shell stands between: it ends the child when our end of a pipe closes, which the kernel does
even after kill -9. Children do not hear the terminal's Ctrl-C; whoever started them ends them.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_WATCHED = """
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
exec 2>/dev/null
{ read -r _ <&3; kill "$child"; } &
watch=$!
exec 3<&-
wait "$child"
status=$?
kill "$watch"
[ -n "$REMOVE_AFTERWARDS" ] && rm -rf "$REMOVE_AFTERWARDS"
exit "$status"
"""


class Child:
    """A running command. `remove` is a folder that goes when it ends, also when we are killed.

    Its output goes to `log`, by default to where ours goes.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        log: IO[bytes] | int | None = None,
        remove: Path | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHED, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**environ, "REMOVE_AFTERWARDS": str(remove or "")},
            process_group=0,
        )

    def ended(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll()

    def end(self, timeout_s: float = 30.0) -> None:
        """Asks it to end (SIGTERM) and waits; kills it with its children if it does not."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
