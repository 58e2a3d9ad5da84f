"""What a finding proposes works, and what is right is not found fault with."""

import pytest

from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import BUILTIN, load_packs
from tocsin.core.diagnostics import Diagnostic
from tocsin.playbook.compile import check

HEAD = "schema: tocsin/playbook@1\nid: x\ntitle: X\n"
LOOP = """\
inputs:
  ips: {type: array, items: {type: string}}
steps:
  - id: all
    for_each: ${{ inputs.ips }}
    as: ip
    steps:
      - {id: seen, action: observable.look_up, with: {type: ip, value: "${{ ip }}"}, on_error: continue}
  - {id: s, set: {bad: "${{ steps.all | where('seen.error'%s) | length }}"}}
  - {action: case.note, with: {text: "${{ steps.s.bad }} failed"}}
"""
READS = 'inputs:\n  key: {type: string}\nsteps:\n  - {action: case.note, with: {text: "${{ inputs.key }}"}}\n'


def found(text: str) -> tuple[Diagnostic, ...]:
    return check(HEAD + text, file="x.yaml", catalogue=PackCatalogue(load_packs([BUILTIN]))).diagnostics


def test_the_errors_of_a_loop_are_asked_for_as_the_hint_says() -> None:
    (one,) = found(LOOP % "")
    assert one.code == "PB241"
    assert one.hint == "Compare it: where('seen.error', '!=', null)."
    assert found(LOOP % ", '!=', null") == ()


def test_a_webhook_gives_inputs() -> None:
    assert found(f"triggers: [webhook: hook]\n{READS}") == ()
    assert [one.code for one in found(f'triggers: [webhook: hook, schedule: "0 * * * *"]\n{READS}')] == ["PB314"]


def test_who_looks_for_the_payload_of_a_webhook_is_led_to_inputs() -> None:
    (one,) = found('triggers: [webhook: hook]\nsteps:\n  - {action: case.note, with: {text: "${{ webhook.key }}"}}\n')
    assert one.code == "PB218"
    assert "inputs" in one.hint


@pytest.mark.parametrize("text", ["900000d", "99999999999999999999999d"])
def test_a_wait_that_is_too_long_is_told_how_long_it_may_be(text: str) -> None:
    (one,) = found(f"steps:\n  - wait: {text}\n")
    assert (one.code, one.hint) == ("PB213", "Ten years are the most.")
