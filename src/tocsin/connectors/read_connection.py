"""Read `connection`, `sources` and `webhook` of a pack.yaml."""

from collections.abc import Mapping

from tocsin.connectors.manifest import Auth, AuthScheme, ConnectionSpec, Rate, SecretSpec, Signature, SourceSpec, Tls
from tocsin.connectors.nodes import Members, Node

_AUTH_KEYS: Mapping[AuthScheme, tuple[tuple[str, ...], tuple[str, ...]]] = {  # scheme -> (required, optional)
    AuthScheme.NONE: ((), ()),
    AuthScheme.API_KEY: (("name", "secret"), ("in", "prefix")),
    AuthScheme.BASIC: (("secret",), ("user", "user_secret")),
    AuthScheme.BEARER: (("secret",), ()),
    AuthScheme.OAUTH2: (("token_url", "client_id", "secret"), ("scope", "audience", "in")),
    AuthScheme.LOGIN_TOKEN: (("path", "json", "token"), ("header", "prefix")),
    AuthScheme.MTLS: (("cert", "key"), ("ca",)),
    AuthScheme.HMAC: (("secret", "header"), ("timestamp_header", "prefix")),
}
_CONNECTION_KEYS = ("required", "base", "config", "secrets", "auth", "auths", "tls", "rate")


def read_connection(node: Node) -> ConnectionSpec:
    """Read the `connection` object."""
    parts = node.members(known=_CONNECTION_KEYS)
    required, config, rate = parts.get("required"), parts.get("config"), parts.get("rate")
    secrets = {name: _secret(part) for name, part in _entries(parts.get("secrets")).items()}
    auth = parts.get("auth")
    return ConnectionSpec(
        required=True if required is None else required.boolean(),
        base=parts.template("base"),
        config={"type": "object"} if config is None else config.schema(),
        secrets=secrets,
        auth=Auth() if auth is None else _auth(auth, secrets),
        auths={name: _auth(part, secrets) for name, part in _entries(parts.get("auths")).items()},
        tls=_tls(parts),
        rate=None if rate is None else read_rate(rate),
    )


def read_rate(node: Node) -> Rate:
    """Read `{per_second, burst}`."""
    parts = node.members(known=("per_second", "burst"), required=("per_second",))
    per_second = parts.need("per_second").number() if "per_second" in parts else 1.0
    if per_second <= 0:
        node.report("PK203", "'per_second' must be more than 0.", hint="Leave 'rate' out for no limit.")
        per_second = 1.0
    burst = parts.get("burst")
    return Rate(per_second=per_second, burst=max(1.0, per_second if burst is None else burst.number()))


def _entries(node: Node | None) -> dict[str, Node]:
    return {} if node is None else node.entries()


def _secret(node: Node) -> SecretSpec:
    parts = node.members(known=("title", "required"), required=("title",))
    required = parts.get("required")
    return SecretSpec(title=parts.text("title"), required=True if required is None else required.boolean())


def _tls(parts: Members) -> Tls:
    node, auth = parts.get("tls"), parts.get("auth")
    ca = None
    if auth is not None and isinstance(auth.value, dict) and auth.value.get("scheme") == "mtls" and "ca" in auth.value:
        ca = auth.entries()["ca"].template()
    if node is None:
        return Tls(ca=ca)
    tls = node.members(known=("ca", "verify"))
    verify = tls.get("verify")
    if verify is None:
        return Tls(ca=tls.template("ca") or ca)
    return Tls(ca=tls.template("ca") or ca, verify=verify.value if isinstance(verify.value, bool) else verify.template())


def _auth(node: Node, secrets: Mapping[str, SecretSpec]) -> Auth:
    scheme_node = node.entries().get("scheme")
    if scheme_node is None:
        node.report("PK202", "The key 'scheme' is missing.", hint=f"Write one of {', '.join(AuthScheme)}.")
        return Auth()
    scheme = scheme_node.choice(AuthScheme)
    required, optional = _AUTH_KEYS[scheme]
    parts = node.members(known=("scheme", *required, *optional), required=required)
    for key in ("secret", "user_secret"):
        _known_secret(parts.get(key), secrets)
    token, place, login = parts.get("token"), parts.get("in"), parts.get("json")
    default_name = "Authorization" if scheme is AuthScheme.LOGIN_TOKEN else ""
    default_prefix = "Bearer " if scheme is AuthScheme.LOGIN_TOKEN else ""
    return Auth(
        scheme=scheme,
        place=_place(place, scheme),
        name=parts.text("name") or parts.text("header", default_name),
        prefix=parts.text("prefix", default_prefix),
        secret=parts.text("secret"),
        user=parts.template("user"),
        user_secret=parts.text("user_secret"),
        token_url=parts.template("token_url"),
        client_id=parts.template("client_id"),
        scope=parts.text("scope"),
        audience=parts.text("audience"),
        path=parts.text("path"),
        json=None if login is None else login.value,
        token=None if token is None else token.expression(),
        cert=parts.template("cert"),
        key=parts.template("key"),
        timestamp_header=parts.text("timestamp_header"),
    )


def _place(node: Node | None, scheme: AuthScheme) -> str:
    if scheme is AuthScheme.OAUTH2:
        return "body" if node is None else node.one_of("body", "header")
    return "header" if node is None else node.one_of("header", "query")


def _known_secret(node: Node | None, secrets: Mapping[str, SecretSpec]) -> None:
    if node is not None and node.text() not in secrets:
        node.report("PK305", f"The credential '{node.value}' is not declared.", hint="Add it under connection.secrets.")


def read_source(name: str, node: Node) -> SourceSpec:
    """Read one entry of `sources`."""
    parts = node.members(known=("title", "code", "options", "mapping"), required=("title", "code"))
    options = parts.get("options")
    return SourceSpec(
        name=name,
        title=parts.text("title"),
        code=parts.text("code"),
        options={"type": "object"} if options is None else options.schema(),
        mapping=parts.text("mapping"),
    )


def read_signature(node: Node) -> Signature | None:
    """Read `webhook`."""
    part = node.members(known=("signature",)).get("signature")
    if part is None:
        return None
    known = ("scheme", "header", "prefix", "encoding", "timestamp_header")
    parts = part.members(known=known, required=("scheme", "header"))
    if "scheme" in parts:
        parts.need("scheme").one_of("hmac-sha256")
    encoding = parts.get("encoding")
    return Signature(
        header=parts.text("header"),
        prefix=parts.text("prefix"),
        encoding="hex" if encoding is None else encoding.one_of("hex", "base64"),
        timestamp_header=parts.text("timestamp_header"),
    )
