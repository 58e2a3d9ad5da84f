"""Mask what looks like a credential, wherever it stands in a recorded run."""

import re
from typing import Final

from tocsin.core.values import Json, JsonObject

MASK: Final = "•••"
_KEYS: Final = re.compile(
    r"pass(word|wd|phrase)|secret|token|api[_-]?key|authori[sz]ation|cookie|credential|private[_-]?key", re.IGNORECASE
)
_TEXTS: Final = (
    re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"),  # a JSON web token
    re.compile(r"(?i)\b(?:bearer|basic)\s+[\w.+/=~-]{8,}"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?i)(?<=[?&])(?:access_token|api_?key|sig|token|password)=[^&\s#]+"),
)


def without_secrets(value: Json) -> Json:
    """Return the value with a mask where a credential stands."""
    if isinstance(value, str):
        for pattern in _TEXTS:
            value = pattern.sub(MASK, value)
        return value
    if isinstance(value, list):
        return [without_secrets(one) for one in value]
    if isinstance(value, dict):
        return {key: _field(key, one) for key, one in value.items()}
    return value


def _field(key: str, value: Json) -> Json:
    return MASK if _KEYS.search(key) and isinstance(value, str) and value else without_secrets(value)


def object_without_secrets(value: JsonObject) -> JsonObject:
    """Return the object with a mask where a credential stands."""
    return {key: _field(key, one) for key, one in value.items()}
