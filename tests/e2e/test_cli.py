"""The command line as a person uses it: a process, its output, its exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
SURICATA = ROOT / "../shared/data/suricata"
EVENT = {
    "event_type": "alert",
    "timestamp": "2026-03-02T09:00:00.000000+0000",
    "src_ip": "10.20.0.15",
    "dest_ip": "203.0.113.66",
    "proto": "TCP",
    "alert": {"signature_id": 1, "signature": "Beacon", "severity": 1},
}
COMMANDS = [
    [],
    ["up"],
    ["demo"],
    ["map"],
    ["replay"],
    ["check"],
    ["run"],
    ["runs"],
    ["runs", "list"],
    ["runs", "show"],
    ["pack"],
    ["pack", "list"],
    ["pack", "check"],
    ["rehearse"],
    ["backtest"],
    ["fmt"],
    ["diff"],
    ["schema"],
    ["lsp"],
    ["runs", "cancel"],
    ["runs", "pause"],
    ["runs", "resume"],
    ["runs", "replay"],
    ["runs", "compare"],
    ["sync"],
    ["playbooks"],
    ["playbooks", "history"],
    ["playbooks", "publish"],
    ["openapi"],
    ["bench"],
]


def tocsin(*arguments: str, stdin: bytes = b"", cwd: Path | None = None, seconds: float = 100.0) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tocsin.cli", *arguments], input=stdin, capture_output=True, timeout=seconds, cwd=cwd, check=False
    )


@contextmanager
def up(folder: Path, **more: object) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, object]]]:
    config = folder / "tocsin.yaml"
    config.write_text(json.dumps({"data": str(folder / "data"), "sources": [{"name": "ids", "pack": "suricata"}], **more}))
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin.cli", "up", "--config", str(config), "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield process, json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def client(ready: dict[str, object], token: object = None) -> httpx.Client:
    return httpx.Client(base_url=str(ready["url"]), headers={"authorization": f"Bearer {token or ready['token']}"}, timeout=20)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command) or "tocsin")
def test_every_command_explains_itself(command: list[str]) -> None:
    ran = tocsin(*command, "--help")
    assert ran.returncode == 0, ran.stderr
    assert b"Usage: tocsin" in ran.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv=['tocsin','--help']\nfrom tocsin.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*[m for m in ('sqlalchemy','fastapi','httpx','rich','dbos','granian') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.splitlines()[-1] == ""


# -- map -----------------------------------------------------------------------------------------------------------------


def test_map_names_each_line_that_is_no_use_and_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "eve.json"
    no_time = {**EVENT, "timestamp": "yesterday"}
    lines = [
        json.dumps(EVENT),
        "{broken",
        "",
        '{"event_type": "flow"}',
        json.dumps(no_time),
        "[1]",
        json.dumps({**EVENT, "src_ip": "10.0.0.9"}),
    ]
    file.write_text("\n".join(lines) + "\n")
    ran = tocsin("map", "suricata", str(file))
    told = ran.stderr.decode().splitlines()
    assert ran.returncode == 1
    assert [json.loads(line)["src_endpoint"]["ip"] for line in ran.stdout.splitlines()] == ["10.20.0.15", "10.0.0.9"]
    assert [line.split(":")[1] for line in told if line.startswith(str(file))] == ["2", "5", "6"]
    assert any("1 events are no alerts" in line for line in told)


def test_map_neutralises_what_a_terminal_would_obey_and_changes_no_value(tmp_path: Path) -> None:
    signature = "\x1b[2J\u202eevil\u2028\u009b31m\U000e0001"
    event = {**EVENT, "alert": {**EVENT["alert"], "signature": signature}}  # type: ignore[dict-item]
    ran = tocsin("map", "suricata", "-", stdin=json.dumps(event).encode())
    text = ran.stdout.decode()
    assert ran.returncode == 0, ran.stderr
    assert text.rstrip("\n").isprintable()
    assert json.loads(text)["rule"]["name"] == signature


def test_map_says_which_packs_there_are(tmp_path: Path) -> None:
    ran = tocsin("map", "snort", "/dev/null")
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"no pack 'snort'" in ran.stderr
    assert b"suricata" in ran.stderr


@pytest.mark.parametrize(
    ("name", "said"), [("missing.json", b"There is no file"), ("empty.json", b"There is nothing in"), (".", b"cannot be read")]
)
def test_map_tells_a_file_of_no_use(tmp_path: Path, name: str, said: bytes) -> None:
    (tmp_path / "empty.json").touch()
    ran = tocsin("map", "suricata", str(tmp_path / name))
    assert ran.returncode == 2
    assert said in ran.stderr
    assert b"Traceback" not in ran.stderr


def test_map_reads_every_recorded_suricata_alert_in_order() -> None:
    files = sorted(SURICATA.glob("*.json*"))
    if not files:
        pytest.skip("the recorded Suricata events are not on this machine")
    wanted = [event["timestamp"][:19] for file in files for event in events_of(file) if event.get("event_type") == "alert"]
    ran = tocsin("map", "suricata", *map(str, files))
    assert len(wanted) == 107
    assert [json.loads(line)["raw"]["timestamp"][:19] for line in ran.stdout.splitlines()] == wanted
    assert ran.returncode == 0, ran.stderr


def events_of(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


# -- replay --------------------------------------------------------------------------------------------------------------


def test_embedded_replay_counts_every_event_once(tmp_path: Path) -> None:
    file = tmp_path / "eve.json"
    lines = [json.dumps(EVENT)] * 3 + ["{broken", '{"event_type": "dns"}', json.dumps({**EVENT, "src_ip": "10.0.0.9"})]
    file.write_text("\n".join(lines))
    ran = tocsin("replay", "suricata", str(file), "--json")
    told = json.loads(ran.stdout.splitlines()[-1])
    assert ran.returncode == 1
    assert {name: told[name] for name in ("read", "alerts", "folded", "skipped", "runs", "resting")} == {
        "read": 6,
        "alerts": 3,
        "folded": 2,
        "skipped": 1,
        "runs": 2,
        "resting": True,
    }
    assert [(one["file"], one["line"]) for one in told["rejected"]] == [(str(file), 4)]
    assert f"{file}:4: ".encode() in ran.stderr


def test_mails_are_replayed_and_the_same_mail_folds() -> None:
    from email import message_from_bytes

    mails = sorted((ROOT / "src/tocsin/samples/mail").glob("*.eml"))
    ids = {str(message_from_bytes(mail.read_bytes())["message-id"] or mail.name).strip() for mail in mails}
    ran = tocsin("replay", "email", *map(str, mails), "--json")
    told = json.loads(ran.stdout.splitlines()[-1])
    assert (told["read"], told["alerts"], told["folded"], told["rejected"]) == (len(mails), len(ids), len(mails) - len(ids), [])
    assert ran.returncode == 0, ran.stderr


def test_replay_to_a_running_server_names_the_lines_that_it_rejects(tmp_path: Path) -> None:
    file = tmp_path / "eve.json"
    many = [json.dumps({**EVENT, "src_ip": f"10.0.{number >> 8}.{number & 255}"}) for number in range(600)]
    file.write_text("\n".join([*many, "", "{broken"]))
    with up(tmp_path) as (_, ready):
        common = ["--url", str(ready["url"]), "--json"]
        ran = tocsin("replay", "ids", str(file), "--token", str(ready["token"]), *common)
        nobody = tocsin("replay", "ids", str(file), "--token", "tocsin_x", *common)
        elsewhere = tocsin("replay", "nowhere", str(file), "--token", str(ready["token"]), *common)
    told = json.loads(ran.stdout)
    assert (told["read"], told["alerts"], told["folded"]) == (601, 601, 0)
    assert [one["line"] for one in told["rejected"]] == [602]
    assert nobody.returncode == elsewhere.returncode == 2
    assert b"no source 'nowhere'" in elsewhere.stderr


# -- check ---------------------------------------------------------------------------------------------------------------

WRONG = """\
schema: tocsin/playbook@1
id: wrong
title: Wrong
triggers:
  - alert: ${{ alert.category == 'x' }}
steps:
  - id: known
    action: observable.look_up
    with: {type: ip, value: 192.0.2.7}
  - action: alert.close
    with: {verdict: benign, reason: "${{ steps.known.sightingz }}"}
"""


def test_check_points_at_the_misspelt_field(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(WRONG)
    ran = tocsin("check", str(file))
    said = ran.stdout.decode()
    assert ran.returncode == 1, ran.stderr
    assert f"{file}:11:" in said
    assert "sightingz" in said
    assert "^" in said
    found = json.loads(tocsin("check", str(tmp_path), "--format", "json").stdout)
    assert [(one["severity"], one["span"]["line"]) for one in found if one["severity"] == "error"] == [("error", 11)]
    assert set(found[0]) == {"code", "severity", "message", "hint", "span"}


def test_shipped_playbooks_have_no_errors() -> None:
    ran = tocsin("check", str(ROOT / "playbooks"))
    assert ran.returncode == 0, ran.stdout.decode()


# -- pack, openapi -------------------------------------------------------------------------------------------------------


def test_pack_list_names_what_each_pack_can_do() -> None:
    packs = {one["id"]: one for one in json.loads(tocsin("pack", "list", "--json").stdout)}
    assert "block_ip" in packs["blocklist"]["actions"]
    assert packs["suricata"]["sources"] == ["tail"]
    assert packs["suricata"]["tier"] in ("bronze", "silver", "gold", "platinum")


def test_pack_check_fails_for_a_broken_pack(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "pack.yaml").write_text("schema: tocsin/pack@1\nid: broken\n")
    ran = tocsin("pack", "check", str(tmp_path), "--json")
    report = json.loads(ran.stdout)
    assert ran.returncode == 1
    assert report[0]["pack"] == "broken"
    assert report[0]["diagnostics"]


def test_openapi_is_described_without_a_database(tmp_path: Path) -> None:
    ran = tocsin("openapi", cwd=tmp_path)
    described = json.loads(ran.stdout)
    assert described["openapi"].startswith("3.1")
    assert "/api/v1/alerts/{source}" in described["paths"]
    assert list(tmp_path.iterdir()) == []


# -- up ------------------------------------------------------------------------------------------------------------------


def test_an_acknowledged_alert_is_there_after_a_restart(tmp_path: Path) -> None:
    with up(tmp_path) as (process, ready):
        with client(ready) as http:
            taken = http.post("/api/v1/alerts/ids", json=EVENT)
        assert (taken.status_code, taken.json()["alerts"]) == (202, 1)
        left = tmp_path / "data" / "server.json"
        assert json.loads(left.read_text()) == {"url": ready["url"], "pid": process.pid}
        assert left.stat().st_mode & 0o777 == 0o600
    assert process.returncode == 0
    assert not left.exists()
    with up(tmp_path) as (_, again), client(again, ready["token"]) as http:
        assert again["token"] is None
        assert [one["title"] for one in http.get("/api/v1/alerts").json()["items"]] == ["Beacon"]


def test_a_second_server_on_the_same_folder_or_port_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with up(tmp_path) as (_, ready):
        same_data = tocsin("up", "--data", str(tmp_path / "data"), "--port", "0", cwd=tmp_path)
        port = str(ready["url"]).rpartition(":")[2]
        same_port = tocsin("up", "--data", str(tmp_path / "other"), "--port", port, cwd=tmp_path)
    for refused, why in ((same_data, b"uses the data folder"), (same_port, b"cannot listen on")):
        assert refused.returncode != 0
        assert why in refused.stderr
        assert b"Traceback" not in refused.stderr


def test_an_open_event_stream_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    with up(tmp_path) as (process, ready), client(ready) as http, http.stream("GET", "/api/v1/events") as stream:
        next(stream.iter_raw())
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert time.monotonic() - started < 10


PLAYBOOK = """\
schema: tocsin/playbook@1
id: by-hand
title: By hand
inputs:
  address: {type: string}
steps:
  - id: known
    action: observable.look_up
    with: {type: ip, value: "${{ inputs.address }}"}
"""


def test_a_playbook_is_run_by_hand_and_shown(tmp_path: Path) -> None:
    (tmp_path / "by-hand.yaml").write_text(PLAYBOOK)
    with up(tmp_path, playbooks=[str(tmp_path / "by-hand.yaml")]) as (_, ready):
        common = ["--data", str(tmp_path / "data"), "--token", str(ready["token"])]
        started = tocsin("run", "by-hand", "--input", "address=192.0.2.7", "--json", *common)
        assert started.returncode == 0, started.stderr
        run = json.loads(started.stdout)["id"]
        wait_for(lambda: json.loads(tocsin("runs", "list", "--json", *common).stdout)[0]["status"] == "succeeded")
        told = tocsin("runs", "show", run, *common)
        assert told.returncode == 0, told.stderr.decode()
        shown = told.stdout.decode()
        assert "observable.look_up" in shown
        assert "192[.]0[.]2[.]7" in shown
        unknown = tocsin("run", "nowhere", *common)
        assert unknown.returncode != 0
        assert b"no published playbook 'nowhere'" in unknown.stderr


def test_without_a_server_the_commands_say_how_to_reach_one(tmp_path: Path) -> None:
    ran = tocsin("runs", "list", "--data", str(tmp_path), "--token", "x")
    assert ran.returncode == 2
    assert b"tocsin up" in ran.stderr


def wait_for(claim, seconds: float = 30.0) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)


# -- demo ----------------------------------------------------------------------------------------------------------------


def test_demo_ends_with_what_the_samples_amount_to(tmp_path: Path) -> None:
    from email import message_from_bytes

    samples = ROOT / "src/tocsin/samples"
    alerts = [event for event in events_of(samples / "network/eve.jsonl") if event["event_type"] == "alert"]
    distinct = {(str(event["alert"]["signature_id"]), event["src_ip"], event["dest_ip"]) for event in alerts}  # type: ignore[index]
    mails = sorted((samples / "mail").glob("*.eml"))
    ids = {str(message_from_bytes(mail.read_bytes())["message-id"] or mail.name).strip() for mail in mails}
    svg, report = tmp_path / "timeline.svg", tmp_path / "report.html"
    ran = tocsin("demo", "--json", "--svg", str(svg), "--report", str(report))
    assert ran.returncode == 0, ran.stderr.decode()
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["alerts"] == len(distinct) + len(ids)
    assert told["folded"] == len(alerts) - len(distinct) + len(mails) - len(ids)
    assert told["runs"] == told["runs_succeeded"] == told["alerts"]
    assert told["asks"]["email"] == told["cases"] > 0
    assert "203.0.113.66" in told["contained"]
    assert any("@" in one for one in told["contained"]), "no mail is in quarantine"
    assert told["seconds"] < 40
    assert svg.read_text().startswith("<svg")
    assert "@font-face" not in svg.read_text(), "whoever looks at the picture would fetch fonts"
    assert "<html" in report.read_text()[:200]
    assert os.path.exists(told["reports"][0])


def test_demo_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    ran = tocsin("demo", "--json", "--alerts", str(tmp_path / "none.jsonl"))
    assert ran.returncode == 2
    assert b"Traceback" not in ran.stderr


def test_bench_prints_a_figure_for_each_measure() -> None:
    ran = tocsin("bench", "--json", "--only", "expressions,checking")
    assert ran.returncode == 0, ran.stderr
    figures = json.loads(ran.stdout)
    assert {name: sorted(found) for name, found in figures.items()} == {
        "expressions": ["condition_us", "mapping_500_us"],
        "checking": ["folder_of_200_s", "one_ms"],
    }
    assert all(figure > 0 for found in figures.values() for figure in found.values())
