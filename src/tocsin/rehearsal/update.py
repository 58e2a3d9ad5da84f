"""Write what happened in a case into the case as what is expected."""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING

from tocsin.core.errors import Invalid
from tocsin.core.values import Json, JsonObject
from tocsin.rehearsal.canned import is_effect
from tocsin.rehearsal.compare import calls_of, outcome_word
from tocsin.rehearsal.rehearse import Result
from tocsin.rehearsal.yaml_text import block, dumped, writer

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap

_ALWAYS = ("outcome", "path", "outputs")


def updated(text: bytes, results: Iterable[Result]) -> bytes:
    """Return the text with `expect` of each case as its result has it; everything else, comments too, stays."""
    document = writer().load(text)
    by_name = {result.case.name: result for result in results}
    for case in document["cases"]:
        result = by_name.get(str(case.get("name")))
        if result is not None:
            _update(case["expect"], result)
    return dumped(document)


def _update(expect: "CommentedMap", result: Result) -> None:
    if result.played is None:
        expect["starts"] = False
        return
    expect.pop("starts", None)
    happened = happened_in(result)
    # Expectations of another kind were written by hand for a reason; what is wrong of them goes, and is not made up anew.
    failing = {word for word in ("actions", "asks", "error", "reason", "not_called", "effects") if word in expect} & _failing(result)
    for word in failing - {"effects"}:
        del expect[word]
    for word in _ALWAYS:
        if word == "outputs" and word not in expect and not happened[word]:
            continue
        _set(expect, word, happened[word])
    if "effects" in expect:
        expect["effects"] = happened["effects"]


def happened_in(result: Result) -> JsonObject:
    """Return what happened in a case, as `expect` says it."""
    if result.played is None:
        raise Invalid("The playbook was not started.")
    effects = {one.call.pending.key for one in calls_of(result.played) if is_effect(one.call)}
    path: list[Json] = [*result.path]
    return {
        "outcome": outcome_word(result.played),
        "path": path,
        "outputs": result.played.outputs,
        "effects": len(effects),
    }


def _set(expect: MutableMapping[str, object], word: str, value: Json) -> None:
    before = expect.get(word)
    if isinstance(before, Mapping) and len(before) == 1 and "exactly" in before and isinstance(before, MutableMapping):
        before["exactly"] = block(value)
    else:
        expect[word] = block(value)


def _failing(result: Result) -> set[str]:
    """Return the kinds of expectation that were not met, by what their differences say."""
    words = {
        "called": "actions",
        "asks": "asks",
        "asked": "asks",
        "error": "error",
        "reason": "reason",
        "must not": "not_called",
        "effects": "effects",
    }
    return {kind for word, kind in words.items() for one in result.differences if word in one.what}
