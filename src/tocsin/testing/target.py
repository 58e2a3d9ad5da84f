"""A target with state and an append-only ledger: what really happened, judged from outside the system under test."""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class Target:
    """An HTTP server on loopback. `POST /do/NAME` happens once per Idempotency-Key, and each time without one; `GET /state/NAME` tells."""

    def __init__(self) -> None:
        self.ledger: list[tuple[str, str]] = []  # (name, key) of everything that happened, in order
        self.requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def times(self, name: str) -> int:
        """Return how often something happened."""
        return sum(1 for done, _ in self.ledger if done == name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _happen(self, name: str, key: str) -> None:
        with self._lock:
            self.requests[name] += 1
            if not key or (name, key) not in self.ledger:
                self.ledger.append((name, key))

    def _handler(target) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", "0")))
                target._happen(self.path.removeprefix("/do/"), self.headers.get("idempotency-key", ""))
                self._answer({"ok": True})

            def do_GET(self) -> None:
                name = self.path.removeprefix("/state/")
                self._answer({"applied": target.times(name) > 0})

            def _answer(self, value: dict[str, bool]) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler
