"""A real HTTP server on loopback, for tests of whatever speaks HTTP: it answers, is slow, hangs up, or sends bombs."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived; `path` is raw, header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer. `hang_up`: close the connection without an answer, once the request was read."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Iterable[bytes] | None = None  # sent chunk by chunk instead of `body`
    wait: threading.Event | None = None  # answer only when it is set
    hang_up: bool = False


Answer = Callable[[Received], Reply]


class LocalServer:
    """Serve on a free port of 127.0.0.1 while the `with` block lasts."""

    def __init__(self, answer: Answer) -> None:
        self.received: list[Received] = []
        self._server = _Server(answer, self.received)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        """Return the port."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Return the address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "LocalServer":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Answer, received: list[Received]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.received = received


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        server = self.server
        if not isinstance(server, _Server):
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        received = Received(self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, body)
        server.received.append(received)
        reply = server.answer(received)
        if reply.wait is not None:
            reply.wait.wait(20)
        if reply.hang_up:
            self.close_connection = True
            return
        try:
            self._send(reply)
        except OSError:  # the client has had enough
            self.close_connection = True

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.chunks is None:
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in reply.chunks:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve
