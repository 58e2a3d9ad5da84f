"""A reported mail as a finding."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.connectors.loader import load_pack
from tocsin.connectors.mapping import apply
from tocsin.connectors.sdk import Json, JsonObject
from tocsin.core.alerts import Finding, fingerprint
from tocsin.packs.email.maildir import event_of

ROOT = Path(__file__).parents[3]
PACK, _ = load_pack(ROOT / "src/tocsin/packs/email")
RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
BASE: JsonObject = {
    "eml": "…", "folder": "INBOX", "file": "1", "received_at": "2026-03-10T07:41:13Z", "message_id": "1@a.example",
    "subject": "Hello", "from_address": "x@a.example", "from_name": "X",
}  # fmt: skip


def mapped(raw: Json) -> Finding:
    assert PACK is not None
    found = apply(PACK.mappings["alert"], raw, source="mail", received=RECEIVED)
    assert isinstance(found, Finding)
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "src/tocsin/samples/mail").glob("*.eml")), ids=lambda path: path.stem)
def test_every_sample_becomes_a_finding_with_its_sender(path: Path) -> None:
    event = event_of(path.read_bytes(), folder="Reports", file=path.name, at=datetime(2026, 3, 14, tzinfo=UTC))
    found = mapped(event)
    assert found.problem == ""
    assert found.title == f"Reported mail: {event['subject']}"
    assert (found.severity.value, found.category, found.product) == ("medium", "phishing", "Mailbox")
    assert found.time == datetime(2026, 3, 14, tzinfo=UTC)
    sender = str(event["from_address"])
    assert [(seen.type.value, seen.value) for seen in found.observables] == [("email", sender), ("domain", sender.split("@")[1])]
    assert "rejected_observables" not in found.context
    assert "user" not in found.context
    assert found.raw == event


def test_mail_reported_twice_is_one_alert_another_mail_is_not() -> None:
    again = {**BASE, "file": "2", "folder": "Reports", "received_at": "2026-03-11T00:00:00Z"}
    assert fingerprint("mail", mapped(again)) == fingerprint("mail", mapped(BASE))
    assert fingerprint("mail", mapped({**BASE, "message_id": "2@a.example"})) != fingerprint("mail", mapped(BASE))


def test_without_message_id_subject_and_sender_tell_mails_apart() -> None:
    base = {**BASE, "message_id": ""}
    assert fingerprint("mail", mapped(base)) == fingerprint("mail", mapped({**base, "file": "9"}))
    assert fingerprint("mail", mapped(base)) != fingerprint("mail", mapped({**base, "subject": "Other"}))
    assert fingerprint("mail", mapped(base)) != fingerprint("mail", mapped({**base, "from_address": "y@a.example"}))


@pytest.mark.parametrize("sender", ["", "nobody", "a b@c.example", "x@", "@y.example", "x@<script>", "x@localhost"])
def test_sender_that_is_no_address_is_no_observable_and_no_problem(sender: str) -> None:
    found = mapped({**BASE, "from_address": sender})
    assert (found.problem, found.observables) == ("", ())


def test_reporter_is_kept_where_the_source_knows_him() -> None:
    assert mapped({**BASE, "reported_by": "mara@lindenhof.example"}).context["user"] == {"email": "mara@lindenhof.example"}


def test_expression_in_a_subject_stays_text() -> None:
    assert mapped({**BASE, "subject": "${{ raw }} {{7*7}}"}).title == "Reported mail: ${{ raw }} {{7*7}}"


def test_event_with_nothing_in_it_is_still_a_finding() -> None:
    assert mapped({}).title == "Reported mail: (no subject)"
