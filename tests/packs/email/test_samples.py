"""The sample mails: phishing scores high, honest mail does not, and nothing in them belongs to anybody."""

import base64
import ipaddress
import re
from pathlib import Path

import pytest

from tocsin.connectors.sdk import JsonObject
from tocsin.packs.email.headers import summary
from tocsin.testing.platform import PackRun

SAMPLES = sorted((Path(__file__).parents[3] / "src/tocsin/samples/mail").glob("*.eml"))
PHISHING = [path for path in SAMPLES if path.name.startswith("phish-")]
BENIGN = [path for path in SAMPLES if not path.name.startswith("phish-")]
DOCUMENTATION = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.20.0.0/16")]


async def parsed(path: Path) -> JsonObject:
    run = PackRun("email", config={"host": "mail.test", "from": "tocsin@lindenhof.example"})
    return await run("parse", eml_base64=base64.b64encode(path.read_bytes()).decode())


def test_there_are_four_phishing_five_honest_and_an_awkward_mail() -> None:
    assert (len(PHISHING), len(BENIGN)) == (4, 6)


@pytest.mark.parametrize("path", PHISHING, ids=lambda path: path.stem)
async def test_phishing_scores_five_or_more_and_says_why(path: Path) -> None:
    mail = await parsed(path)
    assert isinstance(mail["score"], int)
    assert mail["score"] >= 5
    assert mail["indicators"]
    assert mail["problems"] == []


@pytest.mark.parametrize("path", BENIGN, ids=lambda path: path.stem)
async def test_honest_mail_scores_one_at_most(path: Path) -> None:
    mail = await parsed(path)
    assert isinstance(mail["score"], int)
    assert mail["score"] <= 1, mail["indicators"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
async def test_cheap_summary_agrees_with_the_parser(path: Path) -> None:
    mail = await parsed(path)
    found = summary(path.read_bytes())
    assert isinstance(mail["from"], dict)
    assert found == {
        "message_id": mail["message_id"], "subject": mail["subject"],
        "from_address": mail["from"]["address"], "from_name": mail["from"]["name"],
    }  # fmt: skip
    assert found["message_id"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_name_and_address_is_of_nobody(path: Path) -> None:
    text = path.read_bytes().decode("latin-1")
    for host in re.findall(r"(?:https?://|@)([A-Za-z0-9.-]+)", text):
        is_name = host.rstrip(".").rpartition(".")[2] in ("example", "test")
        assert is_name or any(ipaddress.ip_address(host) in net for net in DOCUMENTATION), host
    for address in re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text):
        assert any(ipaddress.ip_address(address) in net for net in DOCUMENTATION), address


async def test_awkward_mail_is_read_whole_and_its_oddities_are_told() -> None:
    mail = await parsed(next(path for path in SAMPLES if path.stem.startswith("awkward")))
    assert mail["subject"] == "Liegeplätze für März"
    assert mail["date"] == "2026-03-09T06:03:00Z"
    assert "Grüße aus dem Hafen" in str(mail["text"])
    assert "ebenfalls mit Ümlauten" in str(mail["text"])
    assert mail["domains"] == ["www.hafenamt.example"]
    told = " ".join(map(str, mail["problems"])) if isinstance(mail["problems"], list) else ""
    for odd in ("no header field", "x-unknown-99", "us-ascii", "x-strange"):
        assert odd in told
    assert mail["truncated"] is False
