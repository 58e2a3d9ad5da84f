"""Prove who a connection is, to its own host and to nobody else."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime

import httpx

from tocsin.connectors.faults import LOGIN, of_status
from tocsin.connectors.manifest import Auth, AuthScheme
from tocsin.connectors.redact import Redactor
from tocsin.connectors.sdk import Connection
from tocsin.connectors.transport import USER_AGENT, Binding
from tocsin.core.effects import Effect
from tocsin.core.errors import AuthFailed, Invalid
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.expr import Template, compile_template

_EARLY_S = 30.0  # a token is renewed before the target thinks it is old
_DEFAULT_LIFE_S = 3000.0
_LOGIN_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    until: float  # seconds since the epoch


class BoundAuth(httpx.Auth):
    """Add a connection's credentials to requests for its own origin; others pass as they are."""

    requires_request_body = True

    def __init__(
        self,
        auth: Auth,
        connection: Connection,
        *,
        base: httpx.URL | None,
        binding: Binding,
        redactor: Redactor,
        now: Callable[[], datetime],
        optional: bool = False,
    ) -> None:
        self._auth = auth
        self._connection = connection
        self._base = base
        self._binding = binding
        self._redactor = redactor
        self._now = now
        self._optional = optional  # a credential that is not configured is then not sent, instead of an error
        self._token: _Token | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add what the scheme wants; log in first, and once again after a 401, where it needs a token."""
        absent = self._optional and bool(self._auth.secret) and self._auth.secret not in self._connection.secrets
        if absent or not self._binding.covers(request.url):
            yield request
            return
        if self._auth.scheme not in (AuthScheme.OAUTH2, AuthScheme.LOGIN_TOKEN):
            await request.aread()
            self._sign(request)
            yield request
            return
        for attempt in (1, 2):
            async with self._lock:
                if self._token is None or self._token.until < self._now().timestamp():
                    response = yield self._login_request()
                    await response.aread()
                    self._token = self._read_token(response)
                token = self._token
            prefix = self._auth.prefix if self._auth.scheme is AuthScheme.LOGIN_TOKEN else "Bearer "
            request.headers[self._auth.name or "Authorization"] = prefix + token.value
            response = yield request
            # a 401 means that nothing was done, so sending again is safe; a second one is an answer
            if response.status_code != 401 or attempt == 2:
                return
            if self._token is token:
                self._token = None

    def _sign(self, request: httpx.Request) -> None:
        auth = self._auth
        match auth.scheme:
            case AuthScheme.API_KEY if auth.place == "query":
                request.url = request.url.copy_merge_params({auth.name: self._secret(auth.secret)})
            case AuthScheme.API_KEY:
                request.headers[auth.name] = auth.prefix + self._secret(auth.secret)
            case AuthScheme.BASIC:
                user = self._secret(auth.user_secret) if auth.user_secret else self._text(auth.user)
                request.headers["Authorization"] = _basic(user, self._secret(auth.secret))
            case AuthScheme.BEARER:
                request.headers["Authorization"] = "Bearer " + self._secret(auth.secret)
            case AuthScheme.HMAC:
                self._sign_hmac(request)
            case AuthScheme.NONE | AuthScheme.MTLS | AuthScheme.OAUTH2 | AuthScheme.LOGIN_TOKEN:
                pass

    def _sign_hmac(self, request: httpx.Request) -> None:
        stamp = str(int(self._now().timestamp()))
        head = f"{stamp}.{request.method}.".encode() + request.url.raw_path + b"."
        digest = hmac.new(self._secret(self._auth.secret).encode(), head + request.content, hashlib.sha256).hexdigest()
        request.headers[self._auth.name] = self._auth.prefix + digest
        if self._auth.timestamp_header:
            request.headers[self._auth.timestamp_header] = stamp

    def _login_request(self) -> httpx.Request:
        if self._auth.scheme is AuthScheme.LOGIN_TOKEN:
            if self._base is None:
                raise Invalid(f"The connection '{self._connection.name}' has no address to log in at.", hint="Set its url.")
            url = join(self._base, self._auth.path)
            request = httpx.Request("POST", url, json=self._filled(self._auth.json))
        else:
            request = self._oauth_request()
        request.headers["User-Agent"] = USER_AGENT
        request.extensions = {LOGIN: True, "timeout": httpx.Timeout(_LOGIN_TIMEOUT_S).as_dict()}
        return request

    def _oauth_request(self) -> httpx.Request:
        auth = self._auth
        url = httpx.URL(self._text(auth.token_url))
        self._binding.allow(url)
        client, secret = self._text(auth.client_id), self._secret(auth.secret)
        form = {"grant_type": "client_credentials", "scope": auth.scope, "audience": auth.audience}
        headers = {}
        if auth.place == "header":
            headers["Authorization"] = _basic(client, secret)
        else:
            form |= {"client_id": client, "client_secret": secret}
        return httpx.Request("POST", url, data={key: value for key, value in form.items() if value}, headers=headers)

    def _read_token(self, response: httpx.Response) -> _Token:
        status = response.status_code
        if status in (400, 401, 403):
            raise AuthFailed(
                f"The login of the connection '{self._connection.name}' was refused with status {status}.",
                hint="Check its user name and credential.",
            )
        if not 200 <= status < 300:
            said = f"The login of the connection '{self._connection.name}' was answered with status {status}."
            raise of_status(status, effect=Effect.READ, said=said, headers=response.headers, now=self._now())
        body = self._json(response)
        value = self._auth.token.evaluate({"body": body}) if self._auth.token else body.get("access_token")
        if not isinstance(value, str) or not value:
            raise AuthFailed(f"The login of the connection '{self._connection.name}' gave no token.", hint="Check the pack's auth.")
        self._redactor.add(value)
        return _Token(value, self._now().timestamp() + self._life(body))

    def _json(self, response: httpx.Response) -> JsonObject:
        try:
            body: Json = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise AuthFailed(f"The login of the connection '{self._connection.name}' did not answer with JSON.", hint="Check its address.")
        return body

    def _life(self, body: JsonObject) -> float:
        seconds, expire = body.get("expires_in"), body.get("expire")
        if isinstance(seconds, int | float) and not isinstance(seconds, bool):
            return max(float(seconds) - _EARLY_S, 1.0)
        if isinstance(expire, str):
            try:
                return (datetime.fromisoformat(expire) - self._now()).total_seconds() - _EARLY_S
            except (ValueError, TypeError):
                return _DEFAULT_LIFE_S
        return _DEFAULT_LIFE_S

    def _filled(self, value: Json) -> Json:
        """Fill in a login body: expressions over the settings, and `{secret: NAME}` for a credential."""
        if isinstance(value, dict):
            name = value.get("secret")
            if len(value) == 1 and isinstance(name, str):
                return self._secret(name)
            return {key: self._filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        return compile_template(value).render({"connection": self._connection.config})

    def _text(self, template: Template | None) -> str:
        value = "" if template is None else template.render({"connection": self._connection.config})
        return value if isinstance(value, str) else str(value)

    def _secret(self, name: str) -> str:
        value = self._connection.secret(name)
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
            raise Invalid(f"The credential '{name}' has a line break or control character in it.", hint="Store it without.")
        return value


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def join(base: httpx.URL, path: str) -> httpx.URL:
    """Put an encoded path behind a base URL's own."""
    return base.copy_with(raw_path=base.raw_path.split(b"?")[0].rstrip(b"/") + path.encode("ascii"))
