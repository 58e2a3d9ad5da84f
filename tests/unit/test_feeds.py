"""Feeds: what devices fetch says exactly what is listed, whatever the values are."""

import ipaddress
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.errors import Invalid
from tocsin.core.feeds import FeedEntry, as_json, as_rpz, as_text
from tocsin.core.observables import ObservableType as T

AT = datetime(2026, 1, 2, tzinfo=UTC)


def entry(type: T, value: str, *, reason: str = "", expires_at: datetime | None = None) -> FeedEntry:
    return FeedEntry(type, value, expires_at, reason, AT)


def test_text_has_one_value_a_line_sorted_and_once() -> None:
    entries = [entry(T.IP, "192.0.2.9"), entry(T.DOMAIN, "bad.example"), entry(T.IP, "192.0.2.9"), entry(T.IP, "192.0.2.10")]
    assert as_text(entries) == "192.0.2.10\n192.0.2.9\nbad.example\n"


def test_empty_list_is_an_empty_text() -> None:
    assert as_text([]) == ""


@pytest.mark.parametrize("value", ["bad.example\n0.0.0.0/0", "a b", "# comment", "\u2028x", "x\x00", "b\u00fcro.example", ";x"])
def test_text_leaves_out_and_counts_what_cannot_stand_on_a_line(value: str) -> None:
    assert as_text([entry(T.DOMAIN, value), entry(T.IP, "192.0.2.1")]) == "192.0.2.1\n# 1 entry left out: cannot be said on a line\n"


def test_url_keeps_its_line_whatever_is_in_it() -> None:
    assert (
        as_text([entry(T.URL, "http://bad.example/a b\nhttp://good.example/\u00fc")])
        == "http://bad.example/a%20b%0Ahttp://good.example/%C3%BC\n"
    )


@given(st.lists(st.tuples(st.sampled_from(list(T)), st.text(max_size=40))))
def test_text_never_has_more_lines_than_entries_and_a_note(pairs: list[tuple[T, str]]) -> None:
    text = as_text([entry(type, value) for type, value in pairs])
    assert len(text.splitlines()) <= len(pairs) + 1
    assert all(re.fullmatch(r"[\x21-\x7e]+|# \d+ entr(y|ies) left out: cannot be said on a line", line) for line in text.splitlines())


def test_zone_blocks_a_domain_and_all_below_it() -> None:
    zone = as_rpz([entry(T.DOMAIN, "bad.example")], zone="rpz.tocsin.example", serial=7)
    assert zone.splitlines() == [
        "$ORIGIN rpz.tocsin.example.",
        "$TTL 60",
        "@ SOA localhost. nobody.invalid. 7 60 60 86400 60",
        "@ NS localhost.",
        "*.bad.example CNAME .",
        "bad.example CNAME .",
    ]


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("192.0.2.7", "32.7.2.0.192.rpz-ip"),
        ("2001:db8::1", "128.1.zz.db8.2001.rpz-ip"),
        ("2001:db8:1:2:3:4:5:6", "128.6.5.4.3.2.1.db8.2001.rpz-ip"),
        ("::1", "128.1.zz.rpz-ip"),
        ("2001:db8::", "128.zz.db8.2001.rpz-ip"),
    ],
)
def test_zone_blocks_names_that_lead_to_an_address(address: str, owner: str) -> None:
    assert as_rpz([entry(T.IP, address)], zone="rpz", serial=1).splitlines()[4:] == [f"{owner} CNAME ."]


@given(st.ip_addresses())
def test_address_in_a_zone_reads_back(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    owner = as_rpz([entry(T.IP, str(address))], zone="rpz", serial=1).splitlines()[4].removesuffix(".rpz-ip CNAME .")
    bits, *words = owner.split(".")
    address = getattr(address, "ipv4_mapped", None) or address
    if address.version == 4:
        assert (bits, ".".join(reversed(words))) == ("32", str(address))
        return
    words.reverse()
    if "zz" in words:
        gap = words.index("zz")
        words[gap : gap + 1] = ["0"] * (9 - len(words))
    assert (bits, ipaddress.ip_address(":".join(words))) == ("128", address)


HOSTILE = [
    "bad.example. CNAME evil.",
    "$INCLUDE /etc/passwd",
    "a;b",
    "@",
    "*",
    "a..b",
    "32.1.2.0.192.rpz-ip",
    "x" * 64 + ".example",
    "a\nb",
    '"q"',
]


@pytest.mark.parametrize("value", HOSTILE)
def test_zone_leaves_out_and_counts_what_is_no_name(value: str) -> None:
    zone = as_rpz([entry(T.DOMAIN, value)], zone="rpz", serial=1)
    assert zone.splitlines()[4:] == ["; 1 entry left out: cannot be said in a zone"]


def test_urls_and_hashes_are_counted_not_written_into_a_zone() -> None:
    zone = as_rpz([entry(T.URL, "http://bad.example/x"), entry(T.HASH, "d41d8cd98f00b204e9800998ecf8427e")], zone="rpz", serial=1)
    assert zone.splitlines()[4:] == ["; 2 entries left out: cannot be said in a zone"]


@pytest.mark.parametrize("zone", ["", "a b", "rpz\n@ A 1.2.3.4", "x" * 101])
def test_zone_of_an_impossible_name_is_refused(zone: str) -> None:
    with pytest.raises(Invalid, match="name of a zone"):
        as_rpz([], zone=zone, serial=1)


def test_serial_beyond_32_bits_is_refused() -> None:
    with pytest.raises(Invalid, match="serial"):
        as_rpz([], zone="rpz", serial=2**32)


@pytest.mark.skipif(shutil.which("named-checkzone") is None, reason="named-checkzone is not installed (Debian: bind9-utils)")
def test_zone_is_accepted_by_bind(tmp_path: Path) -> None:
    entries = [entry(T.DOMAIN, "bad.example"), entry(T.DOMAIN, "_x.bad-2.example"), entry(T.IP, "192.0.2.1"), entry(T.IP, "2001:db8::1")]
    entries += [entry(T.DOMAIN, value) for value in HOSTILE]
    file = tmp_path / "zone"
    file.write_text(as_rpz(entries, zone="rpz.tocsin.example", serial=2026010200))
    ran = subprocess.run(["named-checkzone", "-i", "none", "rpz.tocsin.example", str(file)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert "loaded serial 2026010200" in ran.stdout


def test_json_is_ascii_and_complete() -> None:
    listed = as_json([entry(T.URL, "http://x/\n\u00fc", reason='say "why"\u2028', expires_at=AT), entry(T.DOMAIN, "a.example")])
    assert listed.isascii()
    assert json.loads(listed) == [
        {"type": "domain", "value": "a.example", "expires_at": None, "reason": "", "added_at": "2026-01-02T00:00:00.000000Z"},
        {
            "type": "url",
            "value": "http://x/\n\u00fc",
            "expires_at": "2026-01-02T00:00:00.000000Z",
            "reason": 'say "why"\u2028',
            "added_at": "2026-01-02T00:00:00.000000Z",
        },
    ]
