"""yaml-language-server, what VS Code and others check YAML with: started, asked and ended.

It is installed once by npm into a cache; without npm, or where that fails, its tests are skipped.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

VERSION = "1.19.2"
CACHE = Path.home() / ".cache" / "wayline" / f"yaml-language-server-{VERSION}"


def server_program() -> Path:
    """The installed server; skips the test where there is none and none can be had."""
    program = CACHE / "node_modules" / ".bin" / "yaml-language-server"
    npm = shutil.which("npm")
    if not program.exists():
        if npm is None:
            pytest.skip("npm is not on PATH, so yaml-language-server cannot be installed")
        CACHE.mkdir(parents=True, exist_ok=True)
        package = f"yaml-language-server@{VERSION}"
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(CACHE), package]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
        if done.returncode:
            pytest.skip(f"npm could not install {package}: {done.stderr.strip()[-200:]}")
    return program


class Server:
    """One server over its standard streams; requests are answered in order."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process, self._number = process, 0
        self._settings: dict[str, Any] = {}
        self._asked = 0

    def start(self, schemas: Mapping[str, str]) -> None:
        """`schemas`: path of a schema -> glob of the files it is for."""
        wanted = {f"file://{path}": glob for path, glob in schemas.items()}
        checks = {"schemas": wanted, "validate": True, "completion": True, "hover": True}
        self._settings = {"yaml": {**checks, "schemaStore": {"enable": False}}}
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": self._settings})
        while self._asked < 2:  # once for each of these two
            self._read()

    def complaints(self, path: Path) -> list[str]:
        """What is wrong with the file, as an editor would underline it."""
        self._open(path)
        uri = f"file://{path}"
        while True:
            message = self._read()
            if message.get("method") == "textDocument/publishDiagnostics":
                said = message["params"]
                if said["uri"] == uri:
                    return [each["message"] for each in said["diagnostics"]]

    def completions(self, path: Path, line: int, character: int) -> list[str]:
        """The words offered at this place, counted from 0, of a file opened before."""
        where = {"line": line, "character": character}
        asked = {"textDocument": {"uri": f"file://{path}"}, "position": where}
        found: Any = self.ask("textDocument/completion", asked)
        return [each["label"] for each in found["items"]]

    def tell(self, method: str, params: Any) -> None:
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        self._number += 1
        self._write({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self._number and "method" not in message:
                return message.get("result")

    def _open(self, path: Path) -> None:
        text = path.read_text()
        opened = {"uri": f"file://{path}", "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": opened})

    def _write(self, message: Any) -> None:
        assert self._process.stdin is not None
        body = json.dumps(message).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        """The next message; requests of the server are answered first."""
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the server ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        if "method" in message and "id" in message:
            self._answer(message)
        return message

    def _answer(self, message: Mapping[str, Any]) -> None:
        """A request of the server: for its settings, which have these sections, or another."""
        result = None
        if message["method"] == "workspace/configuration":
            self._asked += 1
            sections = [item["section"] for item in message["params"]["items"]]
            result = [self._settings.get(section, {}) for section in sections]
        self._write({"jsonrpc": "2.0", "id": message["id"], "result": result})


@contextmanager
def language_server(schemas: Mapping[str, str]) -> Iterator[Server]:
    """A server that knows these schemas, until the block ends."""
    command = [str(server_program()), "--stdio"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            server = Server(process)
            server.start(schemas)
            yield server
        finally:
            process.kill()
