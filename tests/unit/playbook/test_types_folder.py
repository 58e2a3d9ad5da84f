"""The playbooks of a folder know each other."""

from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.playbook.compile import check, read
from tocsin.playbook.folder import FolderDirectory
from tocsin.playbook.types.describe import described
from tocsin.playbook.types.lattice import ANY, Found, Presence, Type, look

HEAD = "schema: tocsin/playbook@1\nid: {id}\ntitle: An example\n"
CALLED = (
    HEAD.format(id="called")
    + "inputs:\n  host: {type: string}\n  minutes: {type: integer, default: 5}\nsteps:\n"
    + "  - {id: host, action: host.lookup, with: {name: '${{ inputs.host ~ inputs.minutes }}'}}\n"
    + "outputs:\n  risk: ${{ steps.host.risk }}\n  owner: ${{ steps.host.owner }}\n"
)
_NOTE = "  - {{action: case.note, with: {{text: 'Is ${{{{ {} }}}}'}}}}\n"


def _codes(text: str, folder: FolderDirectory, catalogue: FixedCatalogue) -> list[str]:
    return [one.code for one in check(text, file="a.yaml", catalogue=catalogue, playbooks=folder).diagnostics]


def _folder(texts: list[str], catalogue: FixedCatalogue) -> FolderDirectory:
    written = [read(text, file="a.yaml") for text in texts]
    return FolderDirectory([one.playbook for one in written if one.playbook is not None], catalogue)


def _field(type: Type, name: str) -> tuple[str, Presence]:
    found = look(type, name)
    assert isinstance(found, Found)
    return described(found.type), found.presence


def test_a_caller_is_checked_against_what_the_called_playbook_takes_and_gives(catalogue: FixedCatalogue) -> None:
    calls = "  - id: c\n    call: called\n    with: {host: srv1}\n"
    right = HEAD.format(id="a") + "steps:\n" + calls + _NOTE.format("steps.c.risk")
    wrong = HEAD.format(id="a") + "steps:\n" + calls.replace("host: srv1", "minutes: many") + _NOTE.format("steps.c.rsik")
    folder = _folder([CALLED, right], catalogue)
    assert _codes(right, folder, catalogue) == []
    assert _codes(wrong, folder, catalogue) == ["PB246", "PB248", "PB221"]


def test_outputs_have_the_types_of_their_expressions(catalogue: FixedCatalogue) -> None:
    outputs = _folder([CALLED], catalogue).outputs("called")
    assert _field(outputs, "risk") == ("an integer", Presence.ALWAYS)
    assert _field(outputs, "owner") == ("a text or null", Presence.ALWAYS)


def test_a_playbook_that_may_stop_early_does_not_promise_its_outputs(catalogue: FixedCatalogue) -> None:
    text = CALLED.replace("outputs:", "  - {stop: succeeded, if: steps.host.risk > 3}\noutputs:")
    assert _field(_folder([text], catalogue).outputs("called"), "risk") == ("an integer", Presence.UNSAID)


def test_playbooks_that_call_each_other_in_a_circle_give_anything(catalogue: FixedCatalogue) -> None:
    text = HEAD + "steps:\n  - {{id: c, call: {other}}}\noutputs:\n  x: ${{{{ steps.c.x }}}}\n"
    folder = _folder([text.format(id="a", other="b"), text.format(id="b", other="a")], catalogue)
    assert _field(folder.outputs("a"), "x")[0] == "a value"
    assert folder.calls() == {"a": ("b",), "b": ("a",)}


def test_of_what_is_not_there_nothing_is_known(catalogue: FixedCatalogue) -> None:
    folder = _folder([HEAD.format(id="a") + "steps: 3\n"], catalogue)
    assert set(folder.ids()) == {"a"}
    assert folder.outputs("nobody") is ANY
    assert folder.inputs("nobody") is None
