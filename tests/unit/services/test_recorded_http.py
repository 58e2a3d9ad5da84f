"""A version's rehearsal may answer as the target would: the pack's own mapping reads it, as in `tocsin rehearse`."""

from pathlib import Path

from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import BUILTIN, load_packs
from tocsin.playbook.compile import compile_playbook
from tocsin.services.versions.rehearsing import rehearser, run_rehearsals

PACKS = load_packs([BUILTIN, Path(__file__).parents[2] / "e2e/phishing/packs"])
CATALOGUE = PackCatalogue(PACKS)
TEXT = """\
schema: tocsin/playbook@1
id: look
title: Look
steps:
  - id: rep
    action: urlscan.lookup
    with: {url: "http://a.example/"}
    on_error: continue
outputs:
  bad: ${{ steps.rep.malicious | default('nobody knows') }}
"""
REHEARSAL = """\
schema: tocsin/rehearsal@1
cases:
  - name: It is bad
    inputs: {}
    answers: {rep: {http: {status: 200, body: {malicious: true}}}}
    expect: {outputs: {bad: true}}
  - name: It is not there
    inputs: {}
    answers: {rep: {http: {status: 404}}}
    expect: {outputs: {bad: nobody knows}}
"""


def test_recorded_exchanges_are_read_by_the_packs_mapping() -> None:
    plan = compile_playbook(TEXT, file="look.yaml", catalogue=CATALOGUE)
    played = rehearser(PACKS)(REHEARSAL, plan, plans={}, catalogue=CATALOGUE)
    assert (played.passed, played.failed, played.failures) == (2, 0, ())


def test_without_packs_such_a_case_fails_and_says_so() -> None:
    plan = compile_playbook(TEXT, file="look.yaml", catalogue=CATALOGUE)
    played = run_rehearsals(REHEARSAL, plan, plans={}, catalogue=CATALOGUE)
    assert (played.passed, played.failed) == (0, 2)
    assert all("http" in failure for failure in played.failures), played.failures
