"""Mails made to exhaust a parser: each ends soon with a result or an error that says why, in bounded memory."""

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tocsin.connectors.sdk import Invalid, JsonObject, TooLarge
from tocsin.packs.email import sandbox
from tocsin.packs.email.headers import summary
from tocsin.packs.email.parse import mail_bytes
from tocsin.testing.platform import PackRun

RUN = PackRun("email", config={"host": "mail.test", "from": "tocsin@lindenhof.example"})
SOON_S = 5.0
HEAD = b"Message-ID: <1@bomb.example>\nFrom: a@bomb.example\n"
PREFIX = b"Content-Type: multipart/mixed; boundary=b\n\n"


def nested(depth: int) -> bytes:
    return HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)) + b"\ntext\n"


def addresses(field: bytes, number: int) -> bytes:
    return HEAD + field + b": " + b", ".join(b"u%d@x.example" % n for n in range(number)) + b"\n\ntext\n"


BOMBS = {
    "to with 8,000 addresses": addresses(b"To", 8_000),
    "folded to with 8,000 addresses": addresses(b"To", 8_000).replace(b", ", b",\n "),
    "to with 8,000 tiny addresses": HEAD + b"To: " + b"a@b," * 8_000 + b"\n\ntext\n",
    "subject of 8,000 encoded words": HEAD + b"Subject: " + b" ".join([b"=?utf-8?q?x?="] * 8_000) + b"\n\ntext\n",
    "subject of 8,000 words that do not end": HEAD + b"Subject: " + b"=?utf-8?q?" * 8_000 + b"\n\ntext\n",
    "from of 8,000 open comments": HEAD.replace(b"From: ", b"From: " + b"(" * 8_000) + b"\ntext\n",
    "to of 8,000 open groups": HEAD + b"To: " + b"g:" * 8_000 + b"\n\ntext\n",
    "to of 8,000 quotes": HEAD + b"To: " + b'"\\' * 8_000 + b"\n\ntext\n",
    "a field of 100,000 words": HEAD + b"X-Words: " + b"word " * 100_000 + b"\n\ntext\n",
    "a subject of 100,000 words": HEAD + b"Subject: " + b"word " * 100_000 + b"\n\ntext\n",
    "100,000 fields": HEAD + b"X: y\n" * 100_000 + b"\ntext\n",
    "1,000,000 continuation lines": HEAD + b"X: y\n" + b" \n" * 1_000_000 + b"\ntext\n",
    "3,000 nested multiparts": nested(3_000),
    "3,000 nested mails": HEAD + b"Content-Type: message/rfc822\n\n" * 3_000 + b"A: b\n\ntext",
    "50,000 parts": HEAD + PREFIX + b"--b\n\nx\n" * 50_000,
    "parts with a field of 8,000 parameters": HEAD + PREFIX + (b"--b\nContent-Type: text/plain" + b";a=b" * 8_000 + b"\n\nx\n") * 150,
    "a name of 4,000 continued parameters": HEAD + b"Content-Type: a/b" + b"".join(b"; name*%d*=x" % n for n in range(4_000)) + b"\n\nx\n",
    "a parameter with a number of 5,000 digits": HEAD + b"Content-Disposition: attachment; filename*" + b"9" * 3_900 + b"=x\n\nx\n",
    "20 MB of false boundaries": HEAD + PREFIX + b"\n--bb" * 4_000_000,
    "HTML of open brackets": HEAD + b"Content-Type: text/html\n\n" + b"<" * 2_000_000,
    "HTML of open tags": HEAD + b"Content-Type: text/html\n\n" + b"<a " * 600_000,
    "HTML of open quotes": HEAD + b"Content-Type: text/html\n\n" + b"<a href='x\" " * 200_000,
    "HTML of spaces in a tag": HEAD + b"Content-Type: text/html\n\n<a" + b" " * 1_000_000,
    "HTML of slashes in a tag": HEAD + b"Content-Type: text/html\n\n<a " + b"/ '" * 500_000,
    "HTML of open comments": HEAD + b"Content-Type: text/html\n\n" + b"<!--" * 400_000,
    "HTML of a million references": HEAD + b"Content-Type: text/html\n\n" + b"&amp;" * 400_000,
    "text of at signs": HEAD + b"\n" + b"a@a." * 500_000,
    "text of dots": HEAD + b"\n" + b"1." * 800_000,
    "text of letters": HEAD + b"\n" + b"h" * 2_000_000,
    "text of schemes": HEAD + b"\n" + b"http://" * 200_000,
    "text of brackets in an address": HEAD + b"\nhttp://a.example/" + b"]" * 1_000_000,
    "24 MB in base64": HEAD + b"Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n" + (b"QUJD" * 18 + b"\n") * 340_000,
    "24 MB of text": HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=C3=A4 text\n" * 2_000_000,
    "null bytes": HEAD + b"Subject: a\x00b\n\n" + b"\x00" * 1_000_000,
    "20 MB without a header": b"x" * 20_000_000,
    "nothing but newlines": b"\n" * 1_000_000,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
async def test_bomb_ends_soon_with_a_result_or_a_reason(bomb: bytes) -> None:
    assert len(bomb) <= 25 * 1024 * 1024
    encoded, start = base64.b64encode(bomb).decode(), time.monotonic()
    answer: JsonObject | Invalid
    try:
        answer = await RUN("parse", eml_base64=encoded)
    except Invalid as reason:
        answer = reason
    if isinstance(answer, Invalid):
        assert "mail" in answer.message
        assert answer.hint
    else:
        assert answer["message_id"] == "1@bomb.example"
        assert len(json.dumps(answer)) < sandbox.LARGEST_ANSWER
    assert time.monotonic() - start < SOON_S


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_cheap_summary_never_fails_and_takes_no_time(bomb: bytes) -> None:
    start = time.monotonic()
    found = summary(bomb)
    assert time.monotonic() - start < 0.5
    assert all(isinstance(value, str) and len(value) <= 2_500 for value in found.values())


@pytest.mark.parametrize("name", [name for name in BOMBS if "address" in name or "fields" in name or "nested" in name or "parts" in name])
async def test_what_was_left_out_is_told(name: str) -> None:
    if name in ("parts with a field of 8,000 parameters", "text of brackets in an address"):
        pytest.skip("nothing that counts was left out of these")
    mail = await RUN("parse", eml_base64=base64.b64encode(BOMBS[name]).decode())
    assert mail["truncated"] is True
    assert mail["problems"]


def child(raw: bytes) -> tuple[JsonObject, int]:
    """Run the child as the sandbox does; return its answer and its peak memory in bytes."""
    wrapper = (
        "import os,sys; pid=os.fork()\n"
        "if pid==0: os.execve(sys.executable,[sys.executable,'-I','-S',sys.argv[1]],{})\n"
        "_,status,used=os.wait4(pid,0); os.write(2,b'%d %d' % (status,used.ru_maxrss)); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", wrapper, str(sandbox.CHILD)], input=raw, capture_output=True, timeout=30, check=True)
    status, kilobytes = done.stderr.split()
    return (json.loads(done.stdout) if status == b"0" else {}), int(kilobytes) * 1024


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_bomb_stays_within_the_memory_of_a_mail(bomb: bytes) -> None:
    _, peak = child(bomb)
    assert peak < 256 * 1024 * 1024


async def test_parser_that_uses_up_its_time_is_killed_and_the_error_says_so(tmp_path: Path) -> None:
    busy = tmp_path / "busy.py"
    busy.write_text("import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass\n")
    with pytest.raises(Invalid, match="more computing time"):
        await sandbox.read_apart(b"A: b\n\n", child=busy)


async def test_parser_that_hangs_is_killed_at_the_wall_time(tmp_path: Path) -> None:
    hanging = tmp_path / "hanging.py"
    hanging.write_text(f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)\n")
    with pytest.raises(Invalid, match=r"within 1 s"):
        await sandbox.read_apart(b"x" * 10_000_000, child=hanging, wall_s=1)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys\nwhile True: sys.stdout.write('x' * 100_000)", "more than 5 MB"),
        ("raise SystemExit(3)", "status 3"),
        ("print('[1]')", "gave no object"),
        ("import os\nos.abort()", "the parser stopped"),
    ],
)
async def test_child_that_misbehaves_is_an_error_that_says_how(tmp_path: Path, program: str, reason: str) -> None:
    path = tmp_path / "child.py"
    path.write_text(program)
    with pytest.raises(Invalid, match=reason):
        await sandbox.read_apart(b"A: b\n\n", child=path)


async def test_child_sees_no_environment_and_no_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "canary")
    path = tmp_path / "child.py"
    path.write_text("import json, os, sys\nprint(json.dumps({'env': dict(os.environ), 'path': sys.path, 'cwd': os.getcwd()}))")
    seen = await sandbox.read_apart(b"A: b\n\n", child=path)
    assert "canary" not in json.dumps(seen)
    assert "site-packages" not in json.dumps(seen)
    assert seen["cwd"] == "/"


def test_child_can_neither_write_files_nor_take_more_memory() -> None:
    code = (
        f"import runpy, resource\nm = runpy.run_path({str(sandbox.CHILD)!r})\nm['_limit_this_process']()\n"
        "print([resource.getrlimit(getattr(resource, 'RLIMIT_' + n))[1] for n in ('AS', 'CPU', 'CORE', 'FSIZE', 'NOFILE')])"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, check=True, timeout=30)
    assert json.loads(done.stdout) == [256 * 1024 * 1024, 5, 0, 0, 16]


def test_child_loads_nothing_of_tocsin() -> None:
    code = f"import runpy, sys\nrunpy.run_path({str(sandbox.CHILD)!r})\nprint([m for m in sys.modules if m[:6] == 'tocsin'])"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, check=True, timeout=30)
    assert done.stdout.strip() == b"[]"


TOO_LARGE: list[JsonObject] = [{"eml": "A: b\n" + "x" * (25 * 1024 * 1024)}, {"eml_base64": "QUJD" * (9 * 1024 * 1024)}]


@pytest.mark.parametrize("input", TOO_LARGE, ids=["text", "base64"])
def test_more_than_25_mb_is_refused_before_a_process_starts(input: JsonObject) -> None:
    with pytest.raises(TooLarge, match="25 MB"):
        mail_bytes(input)
