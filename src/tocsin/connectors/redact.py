"""Take credentials out of whatever leaves a connector: raw, base64, URL-, JSON- and hex-encoded."""

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from tocsin.core.values import Json, JsonObject

MASK = "•••"
SHORTEST = 4  # a shorter secret would take ordinary words apart


class Redactor:
    """Replace every known credential by a mask. Redact first and shorten afterwards: half a credential is not recognised."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        self._known: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Learn one more credential, as a token that a login gave."""
        for part in {secret, secret.strip()}:
            if len(part) >= SHORTEST and part not in self._known:
                self._known.add(part)
                self._forms = sorted({*self._forms, *_forms(part)}, key=lambda form: (-len(form), form))

    def text(self, text: str) -> str:
        """Return the text without credentials."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def json(self, value: Json) -> Json:
        """Return the value without credentials, in keys too."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        return self.object(value) if isinstance(value, dict) else value

    def object(self, value: JsonObject) -> JsonObject:
        """Return the object without credentials."""
        return {self.text(key): self.json(item) for key, item in value.items()}


def _forms(secret: str) -> set[str]:
    encoded = secret.encode("utf-8", "surrogatepass")
    percent = "".join(f"%{byte:02X}" for byte in encoded)
    quoted = {quote(secret, safe="", errors="replace"), quote(secret, errors="replace"), quote_plus(secret, errors="replace"), percent}
    # what a browser or an HTTP library leaves as it is in a path and in a query
    quoted |= {quote(secret, safe=safe, errors="replace") for safe in ("/:@!$&'()*+,;=~", "/:@!$&'()*+,;=~?")}
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    escaped |= {form.replace("/", "\\/") for form in escaped}
    hexed = encoded.hex()
    forms = {secret, *quoted, *escaped, hexed, hexed.upper(), *_base64_forms(encoded)}
    forms |= {_lower_percent(form) for form in quoted} | {json.dumps(form)[1:-1] for form in escaped}
    return {form for form in forms if len(form) >= SHORTEST}


def _lower_percent(text: str) -> str:
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def _base64_forms(encoded: bytes) -> set[str]:
    """Return what stays the same of the base64 of any text that contains the secret, at each of three alignments."""
    forms = set()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + encoded).decode().rstrip("=")
        first = (0, 2, 3)[before]
        # the last character mixes with what follows, unless the length is a multiple of three
        last = len(whole) if (before + len(encoded)) % 3 == 0 else len(whole) - 1
        inner = whole[first:last]
        if len(inner) >= SHORTEST:
            forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms
