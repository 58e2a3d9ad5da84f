"""Packs load completely, or say completely why not; a broken one does not stop the others."""

from pathlib import Path

import pytest

from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import Packs, load_packs
from tocsin.core.errors import ActionNotFound, PackNotFound

GOOD = """\
schema: tocsin/pack@1
id: {name}
title: Good
product: A product
version: 1.0.0
connection:
  config: {{type: object, properties: {{url: {{type: string}}}}}}
  secrets: {{token: {{title: Token}}}}
  auth: {{scheme: bearer, secret: token}}
"""
READ = "action: {name}\ntitle: Read\neffect: read\nrequest: {{path: /x}}\n"


def write(folder: Path, files: dict[str, str], name: str = "good") -> Path:
    for path, text in files.items():
        target = folder / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


def good(folder: Path, *, name: str = "good", **files: str) -> Path:
    extra = {path.replace("__", "/") + ".yaml": text for path, text in files.items()}
    return write(folder, {"pack.yaml": GOOD.format(name=name), "actions/look.yaml": READ.format(name="look"), **extra}, name)


def codes(packs: Packs) -> list[tuple[str, str, int]]:
    return [(found.code, found.span.file, found.span.line) for found in packs.diagnostics]


def test_good_pack_loads(tmp_path: Path) -> None:
    packs = load_packs([good(tmp_path)])
    assert packs.diagnostics == ()
    assert packs.action("good.look")[1].spec.title == "Read"
    assert PackCatalogue(packs).names() == ("good.look",)


def test_effect_without_on_unknown_does_not_load(tmp_path: Path) -> None:
    action = "action: hit\ntitle: Hit\neffect: destructive\nrequest: {method: POST, path: /hit}\n"
    packs = load_packs([good(tmp_path, actions__hit=action)])
    assert codes(packs) == [("PK301", "good/actions/hit.yaml", 1)]
    assert "on_unknown: repeat" in packs.diagnostics[0].hint
    with pytest.raises(PackNotFound, match="broken"):
        packs.action("good.look")


def test_broken_pack_does_not_stop_the_others(tmp_path: Path) -> None:
    good(tmp_path, name="fine")
    write(tmp_path, {"pack.yaml": "a: [1\n"}, "torn")
    packs = load_packs([tmp_path])
    assert list(packs.packs) == ["fine"]
    assert [found.code for found in packs.diagnostics] == ["PK101"]


def test_everything_wrong_is_reported_at_once_with_its_place(tmp_path: Path) -> None:
    action = (
        "action: other\n"  # 1: not the file's name
        "titel: Hit\n"  # 2: unknown key, and 'title' missing
        "effect: wirte\n"  # 3: not a word of ours
        "undo: nothing\n"
        "request:\n"  # 5
        "  path: /${{ input. }}\n"  # 6: bad expression
        "  url: x\n"
        "response:\n"
        "  errors: [{when: '${{ status == }}', kind: Nope}]\n"  # 9
        "auth: unheard\n"  # 10
    )
    packs = load_packs([good(tmp_path, actions__hit=action)])
    found = set(codes(packs))
    file = "good/actions/hit.yaml"
    wanted = {
        ("PK208", file, 1), ("PK201", file, 2), ("PK202", file, 1), ("PK204", file, 3), ("PK205", file, 6), ("PK306", file, 5),
        ("PK204", file, 9), ("PK205", file, 9), ("PK305", file, 10), ("PK303", "good/pack.yaml", 1),
    }  # fmt: skip
    assert wanted <= found
    assert all(diagnostic.message and diagnostic.hint for diagnostic in packs.diagnostics)


@pytest.mark.parametrize(
    ("addition", "code"),
    [
        ("check: nothing", "PK304"),
        ("colour: red", "PK201"),
        ("sources: {tail: {title: T, code: tail, mapping: none}}", "PK307"),
        ("webhook: {signature: {scheme: md5, header: X}}", "PK204"),
    ],
)
def test_mistake_in_pack_yaml_is_reported(tmp_path: Path, addition: str, code: str) -> None:
    good(tmp_path)
    path = tmp_path / "good" / "pack.yaml"
    path.write_text(path.read_text() + addition + "\n")
    packs = load_packs([tmp_path])
    assert [found.code for found in packs.diagnostics] == [code]
    assert packs.packs == {}


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("effect: write\non_unknown: key\nrequest: {method: POST, path: /x}", "PK302"),
        ("effect: write\non_unknown: verify\nrequest: {method: POST, path: /x}", "PK302"),
        ("effect: read\non_unknown: ask\nrequest: {path: /x}", "PK301"),
        ("effect: write\non_unknown: ask\nrequest: {method: POST, path: /x}\npage: {kind: link, items: '${{ body }}'}", "PK308"),
        ("effect: read\nrequest: {path: /x}\ncode: look", "PK306"),
        ("effect: read\nrequest: {path: x}", "PK203"),
        ("effect: read\nrequest: {path: /x, timeout: soon}", "PK207"),
        ("effect: read\nrequest: {path: /x}\ninput: {type: object, properties: {a: {type: strin}}}", "PK206"),
        ("effect: read\nrequest: {path: /x}\noutput: {$ref: 'http://x.example/s'}", "PK206"),
        ("effect: read\nrequest: {path: /x, method: FETCH}", "PK204"),
    ],
)
def test_mistake_in_an_action_is_reported(tmp_path: Path, action: str, code: str) -> None:
    packs = load_packs([good(tmp_path, actions__one=f"action: one\ntitle: One\n{action}\n")])
    assert [found.code for found in packs.diagnostics] == [code]


def test_key_used_in_the_request_needs_no_header(tmp_path: Path) -> None:
    action = "action: one\ntitle: One\neffect: write\non_unknown: key\nrequest: {method: POST, path: /x, json: {id: '${{ key }}'}}\n"
    assert load_packs([good(tmp_path, actions__one=action)]).diagnostics == ()


def test_second_pack_of_one_name_is_reported_and_the_first_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    good(first)
    good(second)
    packs = load_packs([first, second])
    assert packs.packs["good"].folder == first / "good"
    assert [found.code for found in packs.diagnostics] == ["PK310"]


def test_unknown_names_get_the_nearest_one(tmp_path: Path) -> None:
    packs = load_packs([good(tmp_path)])
    with pytest.raises(PackNotFound, match="Did you mean 'good'"):
        packs.action("goood.look")
    with pytest.raises(ActionNotFound, match=r"Did you mean 'good\.look'"):
        packs.action("good.loook")


def test_missing_folder_is_no_error(tmp_path: Path) -> None:
    assert load_packs([tmp_path / "none"]) == Packs({}, ())
