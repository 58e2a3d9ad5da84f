"""What is wrong between files, and what a folder knows of its playbooks."""

from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.playbook.codes import ALL, folder
from tocsin.playbook.compile import check, check_written, read
from tocsin.playbook.folder import FolderDirectory, check_folder
from tocsin.playbook.model import Playbook

STEPS = "steps:\n  - wait: 1s\n"


def _text(id: str, more: str = "", steps: str = STEPS) -> str:
    return f"schema: tocsin/playbook@1\nid: {id}\ntitle: A title\n{more}{steps}"


def _playbook(file: str, text: str) -> Playbook:
    playbook = read(text, file=file).playbook
    assert playbook is not None
    return playbook


def test_the_second_file_of_an_id_is_told_of_the_first() -> None:
    found = list(check_folder([_playbook("a/x.yaml", _text("x")), _playbook("b/x.yaml", _text("x")), _playbook("y.yaml", _text("y"))]))
    assert [(one.code, one.span.file, one.span.line) for one in found] == [("PB602", "b/x.yaml", 2)]
    assert "a/x.yaml" in found[0].message


def test_a_webhook_that_starts_two_playbooks_is_told_once_for_each_after_the_first() -> None:
    hook = "triggers:\n  - webhook: mail\n"
    found = list(check_folder([_playbook(f"{id}.yaml", _text(id, hook)) for id in ("a", "b", "c")]))
    assert [(one.code, one.span.file) for one in found] == [("PB603", "b.yaml"), ("PB603", "c.yaml")]


def test_playbooks_without_a_rehearsal_are_named_only_when_asked() -> None:
    playbooks = [_playbook("a.yaml", _text("a")), _playbook("b.yaml", _text("b"))]
    assert list(check_folder(playbooks)) == []
    assert [(one.code, one.span.file) for one in check_folder(playbooks, rehearsed={"a.yaml"})] == [("PB604", "b.yaml")]


def test_the_codes_between_files_are_no_others() -> None:
    assert not {code.id for code in folder.ALL} & {code.id for code in ALL}
    assert all(code.id.startswith("PB6") for code in folder.ALL)


def test_a_call_is_checked_against_what_the_other_playbook_takes_and_gives() -> None:
    catalogue = FixedCatalogue([])
    called = _text("called", "inputs:\n  host: {type: string}\noutputs:\n  size: ${{ inputs.host | length }}\n")
    caller = _text(
        "caller", steps="steps:\n  - {id: c, call: called, with: {hots: a}}\n  - if: ${{ steps.c.sice > 1 }}\n    then: [{wait: 1s}]\n"
    )
    written = [read(caller, file="caller.yaml"), read(called, file="called.yaml")]
    directory = FolderDirectory([one.playbook for one in written if one.playbook is not None], catalogue)
    found = check_written(written[0], catalogue=catalogue, playbooks=directory).diagnostics
    said = " ".join(one.message for one in found)
    assert "hots" in said
    assert "sice" in said


def test_playbooks_that_call_each_other_are_a_circle_and_end() -> None:
    catalogue = FixedCatalogue([])
    texts = {
        id: _text(id, "outputs: {all: '${{ steps.c }}'}\n", f"steps:\n  - {{id: c, call: {other}}}\n")
        for id, other in (("a", "b"), ("b", "a"))
    }
    directory = FolderDirectory([_playbook(f"{id}.yaml", text) for id, text in texts.items()], catalogue)
    for id, text in texts.items():
        found = check(text, file=f"{id}.yaml", catalogue=catalogue, playbooks=directory).diagnostics
        assert any("calls itself" in one.message for one in found)
