"""Whatever is written, the checker answers with diagnostics, each with a place in the text, and never with an exception."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.core.diagnostics import Level
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.playbook.compile import check
from tocsin.playbook.present import render

GOLDEN = Path(__file__).parents[2] / "golden" / "playbook"
TEXTS = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(GOLDEN.glob("*.yaml"))]
_WORDS = """
schema id title steps action with set if then else elif switch cases default for_each as concurrency parallel ask wait call stop while
code triggers alert webhook inputs outputs type required deadline on_deadline options quorum via to retry attempts timeout on_error
continue fail form when until for reason outcome failed connection effect tags finally on join message enum tocsin/playbook@1 case.note
repeat_until every at_most undo_after max returns runtime finally event filter webhook schedule case deadline any version latest
mailbox.purge role:lead 5m 5 0 -1 1.5 true null ~ item | length [ ] { } , : - ? & * ! > ' # % @ ` << é ${{ $${{
"""
WORDS = [
    *_WORDS.split(),
    "${{ }}",
    "${{ steps.a.b }}",
    "${{ steps.a.error is defined and steps.b | first > 3 }}",
    "${{ event.severity == 'x' }}",
    "steps.a",
    "alert.title == 'x'",
    "\u202e",
    "\x00",
    '"',
    "\\",
]
QUICK = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _holds(text: str | bytes, catalogue: FixedCatalogue) -> None:
    checked = check(text, file="a.yaml", catalogue=catalogue, playbooks=["a", "b"])
    has_errors = any(one.level is Level.ERROR for one in checked.diagnostics)
    assert (checked.plan is None) == has_errors
    lines = text.count("\n" if isinstance(text, str) else b"\n") + text.count("\r" if isinstance(text, str) else b"\r") + 2
    for one in checked.diagnostics:
        assert one.message
        assert 1 <= one.span.line <= lines
        assert one.span.column >= 1
        assert (one.span.end_line, one.span.end_column) >= (one.span.line, one.span.column)
    render(checked.diagnostics, text)


@QUICK
@given(text=st.text(max_size=300))
def test_any_text(text: str, catalogue: FixedCatalogue) -> None:
    _holds(text, catalogue)


@QUICK
@given(text=st.binary(max_size=200))
def test_any_bytes(text: bytes, catalogue: FixedCatalogue) -> None:
    _holds(text, catalogue)


@QUICK
@given(lines=st.lists(st.tuples(st.integers(0, 5), st.lists(st.sampled_from(WORDS), max_size=6)), max_size=20))
def test_any_lines_of_words(lines: list[tuple[int, list[str]]], catalogue: FixedCatalogue) -> None:
    _holds("\n".join("  " * margin + " ".join(words) for margin, words in lines), catalogue)


PLAIN = st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS)
TREES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5), max_leaves=40
)


def _flow(tree: object) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(_flow(item) for item in tree) + "]"
    if isinstance(tree, str):
        return "'" + tree.replace("'", "''").replace("\x00", "") + "'"
    return {"True": "true", "False": "false", "None": "null"}.get(str(tree), str(tree))


@QUICK
@given(steps=st.lists(TREES, max_size=4), more=st.dictionaries(st.sampled_from(["triggers", "inputs", "outputs", "tags", "on"]), TREES))
def test_any_tree_of_the_words_of_the_language(steps: list[object], more: dict[str, object], catalogue: FixedCatalogue) -> None:
    head = "schema: tocsin/playbook@1\nid: a\ntitle: A\n"
    rest = "".join(f"{key}: {_flow(value)}\n" for key, value in more.items())
    _holds(f"{head}{rest}steps: {_flow(steps)}\n", catalogue)


@QUICK
@given(data=st.data())
def test_any_playbook_with_a_piece_changed(data: st.DataObject, catalogue: FixedCatalogue) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 40))
    piece = data.draw(st.sampled_from(WORDS) | st.text(max_size=5))
    _holds(text[:start] + piece + text[start + length :], catalogue)


@QUICK
@given(data=st.data())
def test_any_playbook_with_lines_moved(data: st.DataObject, catalogue: FixedCatalogue) -> None:
    lines = data.draw(st.sampled_from(TEXTS)).split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        line = lines.pop(data.draw(st.integers(0, len(lines) - 1)))
        lines.insert(data.draw(st.integers(0, len(lines))), line[data.draw(st.integers(0, 2)) * 2 :])
    _holds("\n".join(lines), catalogue)
