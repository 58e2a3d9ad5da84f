"""What rehearsals write: cases updated with comments kept, cases recorded from runs, reports."""

import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.core.values import JsonObject
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.rehearsal.anonymise import Anonymiser
from tocsin.rehearsal.bundle import Bundle, Reader
from tocsin.rehearsal.cast import Unplayable
from tocsin.rehearsal.coverage import coverage_of
from tocsin.rehearsal.html import page
from tocsin.rehearsal.record import Recording, appended, case_from
from tocsin.rehearsal.rehearse import Result, rehearse
from tocsin.rehearsal.report import FileReport, Report, junit, report_json
from tocsin.rehearsal.secrets import MASK, object_without_secrets
from tocsin.rehearsal.update import updated

SPECS = {
    one.name: one
    for one in (
        ActionSpec("intel.look_up", "Look up", Effect.READ, None, {"type": "object"}, {"type": "object"}),
        ActionSpec("fw.block", "Block", Effect.WRITE, OnUnknown.REPEAT, {"type": "object"}, {"type": "object"}),
    )
}
PLAYBOOK = """\
schema: tocsin/playbook@1
id: example
title: An <example> & more
triggers:
  - alert: ${{ alert.category == 'malware' }}
steps:
  - {id: a, action: intel.look_up, with: {ip: "${{ alert.src_endpoint.ip }}"}}
  - id: q
    ask: {title: "Block ${{ alert.src_endpoint.ip }}?", to: [role:responder], deadline: 4h, on_deadline: reject}
  - if: ${{ steps.q.answer == 'approve' }}
    then:
      - {id: b, action: fw.block, with: {ip: "${{ alert.src_endpoint.ip }}"}, retry: {attempts: 2, delay: 1s}}
outputs: {answer: "${{ steps.q.answer }}"}
"""
CASES = """\
schema: tocsin/rehearsal@1
# Shared by all.
answers:
  fw.block: {returns: {ok: true}}   # it always works
cases:
  # The one that matters.
  - name: Approved
    alert: {category: malware, src_endpoint: {ip: 203.0.113.7}}
    answers: {a: {returns: {user: {name: Ben Miller, email: ben.miller@corp.org}, note: "Ben Miller sat at 10.1.2.3"}}}
    people: {q: {answer: approve, by: amira, after: 5m}}
    expect:
      path: [a, "q: reject"]   # wrong
      outputs: {answer: reject}
      effects: 0
  - name: <Rejected> & "quoted"
    alert: {category: malware, src_endpoint: {ip: 203.0.113.7}}
    answers: {a: {returns: {}}}
    people: {q: reject}
    expect: {outputs: {answer: reject}}
"""


def load(folder: Path, cases: str = CASES) -> Bundle:
    (folder / "example.yaml").write_text(PLAYBOOK)
    (folder / "example.rehearsal.yaml").write_text(cases)
    return Reader(FixedCatalogue(SPECS.values())).read(folder / "example.rehearsal.yaml")


def play(bundle: Bundle) -> list[Result]:
    assert bundle.rehearsal is not None, bundle.diagnostics
    assert bundle.plan is not None, bundle.diagnostics
    return [rehearse(one, bundle.rehearsal, bundle.plan, plans=bundle.plans, spec=SPECS.__getitem__) for one in bundle.rehearsal.cases]


def report(bundle: Bundle) -> Report:
    assert bundle.plan is not None
    results = play(bundle)
    coverage = coverage_of(bundle.plan, [one.played for one in results if one.played is not None])
    return Report((FileReport(bundle, tuple(results), coverage),), ("other.yaml",))


def test_update_writes_what_happened_and_keeps_comments_and_the_other_cases(tmp_path: Path) -> None:
    failed = [one for one in play(load(tmp_path)) if not one.is_good]
    text = updated(CASES.encode(), failed).decode()
    assert "# Shared by all." in text
    assert "# it always works" in text
    assert "# The one that matters." in text
    again = play(load(tmp_path, text))
    assert [one.is_good for one in again] == [True, True], text
    assert again[0].case.expect.path == ("a", "q: approve", "if@3: then", "b")
    assert again[0].case.expect.effects == 1


def test_a_recorded_run_plays_as_it_happened(tmp_path: Path) -> None:
    (result, _) = play(load(tmp_path))
    assert result.played is not None
    case = case_from(Recording("run_1", result.played.events), change=object_without_secrets)
    text = appended(CASES.encode(), case).decode()
    recorded = play(load(tmp_path, text))[-1]
    assert recorded.is_good, [one.what for one in recorded.differences]
    assert recorded.path == result.path
    assert "# The one that matters." in text


def test_recording_twice_names_the_cases_apart(tmp_path: Path) -> None:
    (result, _) = play(load(tmp_path))
    assert result.played is not None
    case = case_from(Recording("run_1", result.played.events), change=object_without_secrets)
    text = appended(appended(None, case), case)
    bundle = load(tmp_path, text.decode())
    assert not bundle.has_errors
    assert bundle.rehearsal is not None
    assert len(bundle.rehearsal.cases) == 2


def test_a_recorded_case_has_no_secrets_and_no_names(tmp_path: Path) -> None:
    (result, _) = play(load(tmp_path))
    assert result.played is not None
    other = Anonymiser()
    case = case_from(Recording("run_1", result.played.events), change=lambda value: other.object(object_without_secrets(value)))
    text = appended(None, case).decode()
    for word in ("Ben", "Miller", "corp.org", "10.1.2.3", "amira"):
        assert word not in text, word
    assert play(load(tmp_path, text))[0].is_good


def test_anonymised_values_stay_consistent_and_keep_their_kind() -> None:
    given: JsonObject = {
        "src": "8.8.8.8",
        "inside": "192.168.7.9",
        "text": "8[.]8[.]8[.]8 wrote to anna@mail.bank.co.uk about mail.bank.co.uk, from 192.168.7.9; see report.pdf and steps.a",
        "v6": "2a00:1450:4001::8",
        "user": {"name": "Anna"},
        "note": "Anna's laptop at 127.0.0.1; SHA 44d88612fea8a8f36de82e1278abb02f; 12:30:45",
    }
    found = Anonymiser().object(given)
    text = str(found["text"])
    assert str(found["src"]).replace(".", "[.]") in text
    assert str(found["inside"]).startswith("10.0.")
    assert str(found["inside"]) in text
    assert "user1@host1.org1.example" in text
    assert "about host1.org1.example" in text
    assert "report.pdf" in text
    assert str(found["v6"]).startswith("2001:db8::")
    assert found["note"] == "name-1's laptop at 127.0.0.1; SHA 44d88612fea8a8f36de82e1278abb02f; 12:30:45"


def test_credentials_are_masked_by_their_key_and_by_their_look() -> None:
    given: JsonObject = {
        "api_key": "abc",
        "headers": {"Authorization": "Bearer abcdefghijkl"},
        "url": "https://x.example/?token=abc&b=1",
        "n": 1,
    }
    assert object_without_secrets(given) == {
        "api_key": MASK, "headers": {"Authorization": MASK}, "url": f"https://x.example/?{MASK}&b=1", "n": 1,
    }  # fmt: skip


def test_junit_can_be_read_and_says_what_failed(tmp_path: Path) -> None:
    root = ElementTree.fromstring(junit(report(load(tmp_path))))
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    cases = root.findall(".//testcase")
    assert [one.get("name") for one in cases] == ["Approved", '<Rejected> & "quoted"']
    assert "- q: reject\n+ q: approve" in str(cases[0].find("failure").text)  # type: ignore[union-attr]


def test_json_tells_cases_differences_and_branches(tmp_path: Path) -> None:
    found = report_json(report(load(tmp_path)))
    assert (found["cases"], found["failed"], found["unrehearsed"]) == (2, 1, ["other.yaml"])
    assert found["branches"] == {"taken": 4, "total": 5, "percent": 80.0}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not {name for name, _ in attrs if name in ("src", "onclick") or name.startswith("on")}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_escaped_and_without_scripts(tmp_path: Path) -> None:
    text = page(report(load(tmp_path)))
    parser = _Page()
    parser.feed(text)
    assert parser.open == []
    assert "script" not in parser.tags
    assert "An &lt;example&gt; &amp; more" in text
    assert "<example>" not in text
    assert "&lt;Rejected&gt;" in text
    assert "http" not in text.split("</style>")[0].replace("http-equiv", "")


def test_the_page_marks_lines(tmp_path: Path) -> None:
    text = page(report(load(tmp_path)))
    assert '<tr id="f0-7" class="full">' in text
    assert '<tr id="f0-8" class="part">' in text  # the deadline was never reached
    assert "never: deadline" in text


def test_unplayable_is_an_error_of_ours() -> None:
    assert Unplayable("x").code == "rehearsal-unplayable"
