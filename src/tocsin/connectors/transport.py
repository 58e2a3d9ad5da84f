"""The HTTP transport of every connection: guarded addresses, credentials bound to their host, bounded answers."""

import ssl
import zlib
from collections.abc import AsyncIterator
from urllib.parse import unquote

import httpcore
import httpx

import tocsin
from tocsin.connectors.redact import Redactor
from tocsin.connectors.ssrf import Guard, GuardedBackend
from tocsin.core.errors import EgressRefused, Invalid, TooLarge

MAX_ANSWER = 10 * 1024 * 1024  # counted after inflating
ACCEPT_ENCODING = "gzip, deflate"  # what `_Bounded` can inflate in bounded steps
USER_AGENT = f"Tocsin/{tocsin.__version__}"  # some targets, as CrowdSec, refuse a request that does not say name/version
_STEP = 64 * 1024


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Return scheme, host and port."""
    return (url.scheme, url.host.lower(), url.port or (443 if url.scheme == "https" else 80))


class Binding:
    """The origin that a connection proves itself to, and the others that its credentials may be sent to, as a token URL's."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor  # knows the credentials in every spelling
        self._home: tuple[str, str, int] | None = None
        self._allowed: set[tuple[str, str, int]] = set()

    def bind(self, url: httpx.URL) -> None:
        """Make the URL's scheme, host and port the ones that the connection proves itself to."""
        self._home = origin(url)
        self._allowed.add(self._home)

    def allow(self, url: httpx.URL) -> None:
        """Let credentials go to the URL's scheme, host and port, when a request carries them itself."""
        self._allowed.add(origin(url))

    def covers(self, url: httpx.URL) -> bool:
        """Tell whether the connection proves itself there."""
        return origin(url) == self._home

    def check(self, request: httpx.Request, content: bytes) -> None:
        """Refuse a request that would carry a credential elsewhere, or that says one host and means another."""
        url = request.url
        if url.userinfo:
            raise EgressRefused(
                f"An address with a user name in front of '{url.host}' was refused.", hint="Use the connection's credentials."
            )
        if request.headers.get("host", "") != url.netloc.decode("ascii"):
            raise EgressRefused(f"A Host header other than '{url.host}' was refused.", hint="Remove the header.")
        if origin(url) in self._allowed:
            return
        headers = (f"{key}: {value}" for key, value in request.headers.items())
        for text in (str(url), unquote(str(url)), *headers, content.decode("latin-1"), content.decode("utf-8", "replace")):
            if self._redactor.text(text) != text:
                raise EgressRefused(
                    f"A credential was about to be sent to '{url.host}', which is not the host it belongs to.",
                    hint="Use a connection whose address is that host.",
                )


class GuardedTransport(httpx.AsyncBaseTransport):
    """Send over a pool whose every socket is opened by the guard."""

    def __init__(self, guard: Guard, binding: Binding, *, tls: ssl.SSLContext, max_answer: int = MAX_ANSWER) -> None:
        self._binding = binding
        self._max = max_answer
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=20,
            max_keepalive_connections=5,
            keepalive_expiry=5.0,
            network_backend=GuardedBackend(guard),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        if request.url.scheme not in ("http", "https"):
            raise EgressRefused(f"The scheme '{request.url.scheme}' was refused.", hint="Use http or https.")
        self._binding.check(request, await request.aread())
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            answer = await self._pool.handle_async_request(sent)
        except _CORE_ERRORS as error:
            raise _as_httpx(error) from error
        headers = httpx.Headers(answer.headers)
        encoding = headers.pop("content-encoding", "identity").strip().lower()
        headers.pop("content-length", None)  # of the deflated body
        return httpx.Response(
            answer.status, headers=headers, stream=_Bounded(answer, encoding=encoding, most=self._max), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Bounded(httpx.AsyncByteStream):
    """An answer's body, inflated in small steps: a bomb is noticed before it is in memory."""

    def __init__(self, answer: httpcore.Response, *, encoding: str, most: int) -> None:
        self._answer = answer
        self._encoding = encoding
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        try:
            async for part in self._inflated():
                total += len(part)
                if total > self._most:
                    raise TooLarge(f"The answer is larger than {self._most // 1024 // 1024} MB.", hint="Ask for less, or page by page.")
                yield part
        except _CORE_ERRORS as error:
            raise _as_httpx(error) from error

    async def _inflated(self) -> AsyncIterator[bytes]:
        if self._encoding in ("identity", ""):
            async for chunk in self._answer.aiter_stream():
                yield chunk
            return
        if self._encoding not in ("gzip", "x-gzip", "deflate"):
            raise Invalid(f"The answer is encoded as '{self._encoding}', which was not asked for.", hint="Tell the operator of the target.")
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, whichever it is
        async for chunk in self._answer.aiter_stream():
            rest = chunk
            while rest and not inflate.eof:
                yield _step(inflate, rest)
                rest = inflate.unconsumed_tail
        yield inflate.flush(_STEP)

    async def aclose(self) -> None:
        await self._answer.aclose()


def _step(inflate: "zlib._Decompress", chunk: bytes) -> bytes:
    try:
        return inflate.decompress(chunk, _STEP)
    except zlib.error:
        raise Invalid("The answer's compression is broken.", hint="Tell the operator of the target.") from None


_CORE_ERRORS = (
    httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, httpcore.ProxyError,
)  # fmt: skip
_HTTPX: dict[str, type[httpx.TransportError]] = {
    kind.__name__: kind
    for kind in (
        httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout, httpx.ConnectError, httpx.ReadError,
        httpx.WriteError, httpx.ProxyError, httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.RemoteProtocolError,
    )
}  # fmt: skip


def _as_httpx(error: Exception) -> httpx.TransportError:
    """Return the error of the same name in httpx, which is the one that its users know."""
    return _HTTPX.get(type(error).__name__, httpx.TransportError)(str(error))
