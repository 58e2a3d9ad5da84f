"""What is wrong between files: two of one id, a webhook that starts several playbooks, a playbook without a rehearsal."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from tocsin.core.diagnostics import Diagnostic, Span
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.checks.context import context_of
from tocsin.playbook.checks.walk import Walk
from tocsin.playbook.codes import Code, folder
from tocsin.playbook.expr.errors import shown
from tocsin.playbook.findings import Enough, Findings
from tocsin.playbook.model import CallNode, Playbook, WebhookTriggerNode, steps_of
from tocsin.playbook.schemas import closed
from tocsin.playbook.types.lattice import ANY, Type


def check_folder(playbooks: Sequence[Playbook], *, rehearsed: Collection[str] | None = None) -> Iterator[Diagnostic]:
    """Yield what is wrong between playbooks; with `rehearsed`, the files that have a rehearsal, those that have none too."""
    yield from _same_ids(playbooks)
    yield from _shared_hooks(playbooks)
    for playbook in playbooks if rehearsed is not None else ():
        if rehearsed is not None and playbook.file not in rehearsed:
            hint = "Write one beside it: its name ends in .rehearsal.yaml."
            yield _found(folder.UNREHEARSED, playbook.id.span, f"The playbook '{shown(playbook.id.text)}' has no rehearsal.", hint)


def unreadable(file: str, why: str) -> Diagnostic:
    """Return the finding that a file or folder cannot be read."""
    hint = "Check its rights and where it leads, or take it out of the folder."
    return _found(folder.UNREADABLE, Span(file, 1, 1, 1, 2), f"It cannot be read: {why}.", hint)


def _same_ids(playbooks: Sequence[Playbook]) -> Iterator[Diagnostic]:
    first: dict[str, Playbook] = {}
    for playbook in playbooks:
        name = playbook.id.text
        other = first.setdefault(name, playbook) if name else playbook
        if other is not playbook:
            message = f"The id '{shown(name)}' belongs to '{shown(other.file)}' already."
            yield _found(folder.DUPLICATE_PLAYBOOK, playbook.id.span, message, "Give one of them another id, and the file that name.")


def _shared_hooks(playbooks: Sequence[Playbook]) -> Iterator[Diagnostic]:
    first: dict[str, Playbook] = {}
    for playbook in playbooks:
        for trigger in playbook.triggers:
            other = first.setdefault(trigger.name, playbook) if isinstance(trigger, WebhookTriggerNode) else playbook
            if isinstance(trigger, WebhookTriggerNode) and other.id.text != playbook.id.text:
                message = f"The webhook '{shown(trigger.name)}' starts '{shown(other.id.text)}' too ({shown(other.file)})."
                hint = "Start one of them, and call the other from there."
                yield _found(folder.SHARED_HOOK, trigger.span, message, hint)


def _found(code: Code, span: Span, message: str, hint: str) -> Diagnostic:
    return Diagnostic(span, code.id, code.level, message, hint)


class FolderDirectory:
    """The playbooks of a folder for those that call them. What one gives is found out when somebody reads it."""

    def __init__(self, playbooks: Iterable[Playbook], catalogue: Catalogue) -> None:
        self._playbooks: dict[str, Playbook] = {}
        for playbook in playbooks:
            self._playbooks.setdefault(playbook.id.text, playbook)
        self._catalogue = catalogue
        self._calls = {id: _called_by(playbook) for id, playbook in self._playbooks.items()}
        self._outputs: dict[str, Type] = {}

    def ids(self) -> Collection[str]:
        """Return the ids of all playbooks."""
        return self._playbooks.keys()

    def calls(self) -> Mapping[str, Collection[str]]:
        """Return which playbooks call which."""
        return self._calls

    def file(self, id: str) -> str | None:
        """Return the file of a playbook."""
        return self._playbooks[id].file if id in self._playbooks else None

    def inputs(self, id: str) -> JsonObject | None:
        """Return the JSON Schema of what a playbook takes; None if there is no such playbook."""
        playbook = self._playbooks.get(id)
        if playbook is None:
            return None
        required: list[Json] = [one.name.text for one in playbook.inputs if one.required]
        return {**closed({one.name.text: one.schema for one in playbook.inputs}), "required": required}

    def outputs(self, id: str) -> Type:
        """Return the type of what a playbook gives; ANY if nobody knows."""
        playbook = self._playbooks.get(id)
        if playbook is None:
            return ANY
        if id not in self._outputs:
            self._outputs[id] = ANY  # for one that calls itself by a detour
            self._outputs[id] = self._found_out(playbook)
        return self._outputs[id]

    def _found_out(self, playbook: Playbook) -> Type:
        if playbook.outputs is None:
            return ANY
        context = context_of(playbook, catalogue=self._catalogue, playbooks=self, findings=Findings())
        try:
            return Walk(context).run()
        except Enough:
            return ANY


def _called_by(playbook: Playbook) -> tuple[str, ...]:
    steps = (*steps_of(playbook.steps), *steps_of(playbook.final))
    return tuple(step.playbook.text for step in steps if isinstance(step, CallNode))
