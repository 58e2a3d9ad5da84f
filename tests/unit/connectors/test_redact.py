"""Credentials are taken out in every spelling (A6)."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from tocsin.connectors.redact import MASK, Redactor

CANARIES = ['s3cr3t/with+odd="chars"&more', "tökén-ünïcode-1234", "plainsecret", "back\\slash\"quote'", "a b c d e f", "12345678"]


def spellings(secret: str) -> dict[str, str]:
    encoded = secret.encode()
    return {
        "raw": secret,
        "base64": base64.b64encode(encoded).decode(),
        "base64 url": base64.urlsafe_b64encode(encoded).decode().rstrip("="),
        "basic": base64.b64encode(b"user:" + encoded).decode(),
        "basic two": base64.b64encode(b"me:" + encoded).decode(),
        "basic in a longer text": base64.b64encode(b"u:" + encoded + b":more").decode(),
        "url": quote(secret, safe=""),
        "url lower": quote(secret, safe="").lower() if secret.islower() else quote(secret, safe=""),
        "form": quote_plus(secret),
        "json": json.dumps(secret),
        "json text": json.dumps(secret, ensure_ascii=False),
        "hex": encoded.hex(),
        "HEX": encoded.hex().upper(),
    }


@pytest.mark.parametrize("secret", CANARIES)
@pytest.mark.parametrize("spelling", list(spellings("x")))
def test_no_spelling_of_a_credential_is_left(secret: str, spelling: str) -> None:
    text = spellings(secret)[spelling]
    redacted = Redactor([secret]).text(f"before {text} after")
    assert MASK in redacted
    if spelling.startswith("base"):
        visible = redacted.replace("before ", "").replace(" after", "").replace(MASK, "")
        assert len(visible) <= 8  # what alignment mixes with the neighbours says nothing
    elif not spelling.startswith("basic"):
        assert text.strip('"') not in redacted


def test_keys_and_nested_values_are_redacted() -> None:
    value = {"token-abcd": ["x token-abcd y", {"deep": "token-abcd"}], "n": 1, "none": None}
    assert Redactor(["token-abcd"]).json(value) == {MASK: [f"x {MASK} y", {"deep": MASK}], "n": 1, "none": None}


def test_longer_of_two_credentials_goes_first() -> None:
    assert Redactor(["abcd", "abcdefgh"]).text("abcdefgh abcd") == f"{MASK} {MASK}"


def test_very_short_credentials_are_left_because_they_would_take_words_apart() -> None:
    assert Redactor(["a", ""]).text("a banana") == "a banana"


def test_credential_learnt_later_is_redacted() -> None:
    redactor = Redactor()
    redactor.add("fresh-token")
    assert redactor.text("Bearer fresh-token") == f"Bearer {MASK}"
