"""What the parent believes of a child's answer: nothing that it has not checked."""

import json
from dataclasses import replace

import pytest

from tocsin.core.errors import Invalid
from tocsin.playbook.plan import Runtime
from tocsin.sandbox.answers import checked, is_value, read_answer
from tocsin.sandbox.call import PRINT_LIMIT, CodeCall
from tocsin.sandbox.errors import CodeFailed, CodeResultInvalid

CALL = CodeCall("return 1", {}, Runtime.MONTY, 1.0)


@pytest.mark.parametrize("value", [None, True, 0, -(2**53), 1.5, "", "é\n", [], {}, {"a": [1, {"b": None}]}])
def test_json_passes_unchanged(value: object) -> None:
    assert checked(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "text",
    [
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b'{"a": -Infinity}',
        b"9007199254740993",
        b"1" * 10_000,
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b"\xff",
        b"",
        b"{",
        b"[" * 66 + b"]" * 66,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_what_is_not_sound_json_is_refused(text: bytes) -> None:
    with pytest.raises(CodeResultInvalid):
        checked(text)


def test_sixty_four_levels_are_allowed() -> None:
    assert checked(b"[" * 64 + b"]" * 64)


@pytest.mark.parametrize("head", [b"", b"[]", b"null", b"{", b'{"kind": 7}', b'{"kind": "value"}', b'{"kind": "no such"}', b"[" * 99_999])
def test_a_forged_head_is_one_clear_error(head: bytes) -> None:
    with pytest.raises(CodeFailed, match="without an answer that can be read"):
        read_answer(CALL, head, None)


@pytest.mark.parametrize("line", [True, -1, 0, 2**40, "1", [1]])
def test_a_forged_line_is_left_out(line: object) -> None:
    with pytest.raises(CodeFailed) as caught:
        read_answer(CALL, json.dumps({"kind": "raised", "line": line, "error": "ValueError", "message": "x"}).encode(), None)

    assert caught.value.line is None
    assert caught.value.message == "The code raised ValueError: x."


def test_foreign_texts_are_cut_and_made_storable() -> None:
    head = json.dumps({"kind": "raised", "line": 3, "error": "\ud800" * 9_000, "message": "m" * 9_000, "printed": "p" * 99_999})

    with pytest.raises(CodeFailed) as caught:
        read_answer(CALL, head.encode(), None)

    assert len(caught.value.message) < 5_000
    assert len(caught.value.printed) == PRINT_LIMIT
    caught.value.message.encode()


def test_only_a_head_of_kind_value_is_followed_by_one() -> None:
    assert is_value(b'{"kind": "value"}')
    assert not is_value(b'{"kind": "raised"}')
    assert not is_value(b"\x00")


@pytest.mark.parametrize("kind", ["timeout", "memory", "too-large", "not-json", "raised"])
def test_every_error_says_what_to_do(kind: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_answer(replace(CALL, output_bytes=10), json.dumps({"kind": kind}).encode(), None)

    assert caught.value.hint
