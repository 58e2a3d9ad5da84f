"""Mappings: everything mapped, or a finding that says which line did not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.connectors.loader import load_packs
from tocsin.connectors.mapping import Skipped, apply, read_time
from tocsin.core.alerts import Finding
from tocsin.core.observables import ObservableType
from tocsin.core.severity import Severity
from tocsin.core.values import Json

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
PACK = "schema: tocsin/pack@1\nid: acme\ntitle: A\nproduct: A\nversion: 1.0.0\n"
MAPPING = """\
mapping: alert
when: ${{ raw.kind == 'alert' }}
let:
  who: ${{ raw.user | default('nobody') }}
alert:
  title: ${{ raw.name }} by ${{ who }}
  severity: {from: "${{ raw.level }}", map: {1: high, "2": low}, default: unknown}
  time: ${{ raw.at }}
  context:
    src_endpoint: {ip: "${{ raw.ip | default(none) }}"}
    empty: {a: null, b: []}
  observables:
    - {type: ip, value: "${{ raw.ip | default(none) }}"}
    - {type: domain, each: "${{ raw.names | default([]) }}", as: name, value: "${{ name.q }}", if: "${{ name.q != '' }}"}
  extract: ["${{ raw.text | default('') }}"]
  identity: ["${{ raw.name }}", "${{ raw.level }}"]
"""


@pytest.fixture
def mapping(tmp_path: Path):
    folder = tmp_path / "acme" / "mappings"
    folder.mkdir(parents=True)
    (folder.parent / "pack.yaml").write_text(PACK)
    (folder / "alert.yaml").write_text(MAPPING)
    packs = load_packs([tmp_path])
    assert packs.diagnostics == ()
    found = packs.packs["acme"].mapping_for("anything")
    assert found is not None
    return found


def run(mapping, raw: Json) -> Finding:
    found = apply(mapping, raw, source="acme", received=NOW)
    assert isinstance(found, Finding)
    return found


EVENT: dict[str, Json] = {
    "kind": "alert",
    "name": "Scan",
    "level": 1,
    "at": "2026-01-02T03:04:05Z",
    "ip": "192.0.2.7",
    "names": [{"q": "A.example"}, {"q": ""}],
}


def test_event_becomes_a_finding(mapping) -> None:
    found = run(mapping, EVENT)
    assert (found.title, found.severity, found.problem) == ("Scan by nobody", Severity.HIGH, "")
    assert found.time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert found.context == {"src_endpoint": {"ip": "192.0.2.7"}}
    assert [(seen.type.value, seen.value) for seen in found.observables] == [("ip", "192.0.2.7"), ("domain", "a.example")]
    assert found.identity == ("Scan", "1")
    assert found.raw is EVENT


def test_event_that_is_no_alert_is_skipped(mapping) -> None:
    assert isinstance(apply(mapping, {"kind": "flow"}, source="acme", received=NOW), Skipped)


@pytest.mark.parametrize(
    ("change", "line", "part"),
    [
        ({"name": None}, 0, ""),
        ({"at": "yesterday"}, 8, "time"),
        ({"at": 1e30}, 0, ""),
        ({"names": "text"}, 0, "observables"),
        ({"kind": 7}, 0, "skipped"),
    ],
)
def test_strange_value_never_raises(mapping, change: dict[str, Json], line: int, part: str) -> None:
    found = apply(mapping, {**EVENT, **change}, source="acme", received=NOW)
    if part == "skipped":
        assert isinstance(found, Skipped)
    elif part:
        assert isinstance(found, Finding)
        assert f"({part})" in found.problem
        assert not line or f"Line {line} of acme/mappings/alert.yaml" in found.problem


def test_missing_field_is_a_problem_that_names_the_line_and_keeps_the_event(mapping) -> None:
    raw: Json = {"kind": "alert", "nam": "Scan"}
    found = run(mapping, raw)
    assert found.problem.startswith("Line 6 of acme/mappings/alert.yaml (title):")
    assert "name" in found.problem
    assert found.title.startswith("Could not be normalised: ")
    assert (found.severity, found.time, found.raw) == (Severity.UNKNOWN, NOW, raw)


@pytest.mark.parametrize("raw", [None, [], "text", 7, {}, {"kind": None}, {"kind": "alert"}])
def test_whatever_the_event_is_it_is_kept(mapping, raw: Json) -> None:
    found = apply(mapping, raw, source="acme", received=NOW)
    assert isinstance(found, Skipped) or (found.problem and found.raw == raw)


def test_invalid_observable_is_left_out_and_noted(mapping) -> None:
    found = run(mapping, {**EVENT, "ip": "not an address"})
    assert found.problem == ""
    unmapped = found.context["unmapped"]
    assert isinstance(unmapped, dict)
    rejected = unmapped["rejected_observables"]
    assert isinstance(rejected, list)
    assert [item["value"] for item in rejected if isinstance(item, dict)] == ["not an address"]


def test_unknown_word_of_the_vendor_takes_the_default(mapping) -> None:
    assert run(mapping, {**EVENT, "level": 9}).severity is Severity.UNKNOWN
    assert run(mapping, {**EVENT, "level": "2"}).severity is Severity.LOW
    assert run(mapping, {**EVENT, "level": 2.0}).severity is Severity.LOW


def test_texts_are_searched_for_more_observables(mapping) -> None:
    found = run(mapping, {**EVENT, "text": "get hxxps://bad[.]com/x.exe from 198.51.100.9 (CVE-2021-44228)"})
    kinds = {seen.type: seen.value for seen in found.observables if seen.value not in ("192.0.2.7", "a.example")}
    assert kinds[ObservableType.URL] == "https://bad.com/x.exe"
    assert kinds[ObservableType.IP] == "198.51.100.9"
    assert kinds[ObservableType.CVE] == "CVE-2021-44228"


def test_expressions_in_the_event_are_plain_text(mapping) -> None:
    assert run(mapping, {**EVENT, "name": "${{ raw.ip }} {{7*7}}"}).title == "${{ raw.ip }} {{7*7}} by nobody"


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04:05.123456789+0200", "2026-01-02T01:04:05.123456+00:00"),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02 03:04:05.873221807 +0000 UTC", "2026-01-02T03:04:05.873221+00:00"),
        ("2026-01-02 05:04:05 +0200 CEST", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02 03:04:05 UTC", "2026-01-02T03:04:05+00:00"),
        (1767323045, "2026-01-02T03:04:05+00:00"),
        (1767323045000, "2026-01-02T03:04:05+00:00"),
        ("1767323045.5", "2026-01-02T03:04:05.500000+00:00"),
    ],
)
def test_instants_of_many_spellings_are_read(value: Json, iso: str) -> None:
    assert read_time(value).isoformat() == iso
