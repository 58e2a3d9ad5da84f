"""Well-known harmless values stand on warning lists."""

import pytest

from tocsin.connectors.warning import WarningLists
from tocsin.core.observables import ObservableType, observe

LISTS = WarningLists()


@pytest.mark.parametrize(
    ("type", "value", "word"),
    [
        (ObservableType.IP, "8.8.8.8", "DNS"),
        (ObservableType.IP, "2001:4860:4860::8888", "DNS"),
        (ObservableType.IP, "10.20.30.40", "1918"),
        (ObservableType.DOMAIN, "www.google.com", "Tranco"),
        (ObservableType.URL, "https://google.com/search", "Tranco"),
        (ObservableType.HASH, "d41d8cd98f00b204e9800998ecf8427e", "empty"),
    ],
)
def test_harmless_value_is_named(type: ObservableType, value: str, word: str) -> None:
    assert any(word in name for name in LISTS.hits(observe(type, value)))


def test_other_values_are_not_named() -> None:
    assert LISTS.hits(observe(ObservableType.IP, "45.155.205.233")) == []
    assert LISTS.hits(observe(ObservableType.DOMAIN, "login-verify-account.top")) == []
    assert LISTS.hits(observe(ObservableType.DOMAIN, "notgoogle.com.evil.top")) == []
