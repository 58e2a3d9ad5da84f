"""The alert mapping over what a real Suricata wrote: 107 alerts of 32 recordings, and the project's own sample."""

import ipaddress
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tocsin.connectors.loader import load_pack
from tocsin.connectors.mapping import Skipped, apply
from tocsin.core.alerts import Finding, fingerprint

ROOT = Path(__file__).parents[3]
DATA = ROOT / "../shared/data/suricata"
SAMPLE = ROOT / "src/tocsin/samples/network/eve.jsonl"
PACK, _ = load_pack(ROOT / "src/tocsin/packs/suricata")
RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the recordings of suricata-verify are not here (../shared/data/suricata)")


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def mapped(event: dict[str, Any]) -> Finding:
    found = apply_alert(event)
    assert isinstance(found, Finding)
    return found


def apply_alert(event: dict[str, Any]) -> Finding | Skipped:
    assert PACK is not None
    return apply(PACK.mappings["alert"], event, source="ids", received=RECEIVED)


def is_domain(name: str) -> bool:
    return bool(re.fullmatch(r"([\w-]+\.)+[a-zA-Z][\w-]*\.?", name)) and not name.rstrip(".").endswith(".arpa")


def expected_observables(event: dict[str, Any]) -> set[tuple[str, str]]:
    """Say independently of the mapping, in plain Python, what must be found in an event."""
    found = {("ip", str(ipaddress.ip_address(event[side]))) for side in ("src_ip", "dest_ip") if side in event}
    http, dns, tls = event.get("http", {}), event.get("dns", {}), event.get("tls", {})
    host, path = http.get("hostname", ""), http.get("url", "")
    host_is_name = bool(host) and all(ch.isalnum() or ch in "._-" for ch in host) and host[0] not in ".-"
    if host_is_name and path.startswith("/"):
        port = http.get("http_port", 0)
        found.add(("url", f"http://{host.lower()}{f':{port}' if port not in (0, 80) else ''}{path}"))
    if is_domain(host):
        found.add(("domain", host.lower()))
    names = [q["rrname"] for q in [*dns.get("query", []), *dns.get("queries", [])]]
    names += [part["rrname"] for part in (dns, dns.get("answer", {})) if "rrname" in part]
    found |= {("domain", name.lower().rstrip(".")) for name in [*names, tls.get("sni", "")] if is_domain(name)}
    if "ja3" in tls:
        found.add(("ja3", tls["ja3"]["hash"]))
    for file in event.get("files", []):
        found.add(("file", file["filename"]))
        found |= {("hash", file[kind]) for kind in ("md5", "sha1", "sha256") if kind in file}
    return found


def recordings() -> Iterator[Path]:
    yield from sorted(DATA.glob("*.eve.jsonl"))
    yield SAMPLE


@needs_data
def test_the_recordings_are_all_there() -> None:
    paths = list(DATA.glob("*.eve.jsonl"))
    assert len(paths) == 32
    assert sum(event["event_type"] == "alert" for path in paths for event in events(path)) == 107


@needs_data
@pytest.mark.parametrize("path", list(recordings()), ids=lambda path: path.name)
def test_every_alert_of_a_recording_is_mapped_and_nothing_else(path: Path) -> None:
    for event in events(path):
        found = apply_alert(event)
        if event["event_type"] != "alert":
            assert isinstance(found, Skipped)
            continue
        assert isinstance(found, Finding)
        alert = event["alert"]
        assert found.problem == ""
        assert "unmapped" not in found.context  # where observables that are not of their type would be noted
        assert found.title == (" ".join(alert["signature"].split()) or f"Suricata rule {alert['signature_id']}")
        assert found.severity.value == {1: "high", 2: "medium", 3: "low"}[alert["severity"]]
        assert found.time == datetime.strptime(event["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
        assert found.context["disposition"] == alert["action"]
        src = found.context["src_endpoint"]
        assert src == {key: event[name] for key, name in (("ip", "src_ip"), ("port", "src_port")) if name in event}
        dst = found.context["dst_endpoint"]
        assert dst == {key: event[name] for key, name in (("ip", "dest_ip"), ("port", "dest_port")) if name in event}
        assert {(seen.type.value, seen.value) for seen in found.observables} == expected_observables(event)
        assert found.raw == event


@needs_data
def test_findings_fold_by_rule_and_the_two_hosts() -> None:
    alerts = [event for path in DATA.glob("*.eve.jsonl") for event in events(path) if event["event_type"] == "alert"]
    wanted = {(e["alert"]["signature_id"], e["alert"]["gid"], e["src_ip"], e["dest_ip"]) for e in alerts}
    assert len({fingerprint("ids", mapped(event)) for event in alerts}) == len(wanted) < len(alerts)


def test_other_port_sensor_flow_and_revision_fold_other_rule_host_or_direction_do_not() -> None:
    base: dict[str, Any] = {
        "timestamp": "2026-01-01T00:00:00.000000+0000", "event_type": "alert", "src_ip": "192.0.2.1", "src_port": 1, "dest_ip": "192.0.2.2",
        "dest_port": 2, "proto": "TCP", "alert": {"signature_id": 1, "gid": 1, "rev": 1, "signature": "x", "severity": 3},
    }  # fmt: skip
    first = fingerprint("ids", mapped(base))
    for change in ({"src_port": 9}, {"dest_port": 9}, {"host": "b"}, {"flow_id": 3}, {"alert": {**base["alert"], "rev": 2}}):
        assert fingerprint("ids", mapped({**base, **change})) == first
    others = ({"src_ip": "192.0.2.3"}, {"src_ip": "192.0.2.2", "dest_ip": "192.0.2.1"}, {"alert": {**base["alert"], "signature_id": 2}})
    for change in others:
        assert fingerprint("ids", mapped({**base, **change})) != first


def test_sample_has_one_serious_alert_which_repeats_and_quiet_noise() -> None:
    alerts = [event for event in events(SAMPLE) if event["event_type"] == "alert"]
    assert 30 <= len(alerts) <= 60
    findings = [mapped(event) for event in alerts]
    assert {found.problem for found in findings} == {""}
    serious = [found for found in findings if found.severity.value == "high"]
    assert len(serious) > 1
    assert len({fingerprint("ids", found) for found in serious}) == 1
    assert {("ip", "10.20.0.15"), ("ip", "203.0.113.66"), ("domain", "telemetry.cdn-metrics.example")} <= {
        (seen.type.value, seen.value) for seen in serious[0].observables
    }
    assert serious[0].context["attacks"] == [
        {"technique": {"uid": "T1071.001", "name": "Web_Protocols"}, "tactic": {"uid": "TA0011", "name": "Command_And_Control"}}
    ]


@pytest.mark.parametrize("broken", [[], "text", None, {}, {"event_type": "alert"}, {"event_type": "alert", "alert": "x"}])
def test_what_is_no_eve_event_becomes_a_finding_with_a_problem(broken: Any) -> None:
    found = apply_alert(broken)
    assert isinstance(found, Finding)
    assert found.problem
    assert found.raw == broken
