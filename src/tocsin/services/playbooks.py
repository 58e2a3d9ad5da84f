"""Playbooks: save a text with what is wrong with it, publish, list."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from tocsin.core.access import Principal, Scope, require
from tocsin.core.diagnostics import Diagnostic, Level
from tocsin.core.errors import Invalid, PlaybookNotFound
from tocsin.core.ids import DEFAULT_WORKSPACE
from tocsin.core.values import Instant
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.compile import Checked, check, digest_of
from tocsin.playbook.plan import Plan
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.playbooks import PlaybookVersion, Published
from tocsin.store.tx import Tx

FROM_FILES = "files"  # who publishes the playbooks that the settings name


@dataclass(frozen=True, slots=True)
class SavedPlaybook:
    """What saving did."""

    id: str
    digest: str
    is_saved: bool  # False when the text has errors
    is_new: bool
    is_published: bool
    diagnostics: tuple[Diagnostic, ...] = ()


def save_playbook(tx: Tx, actor: Principal, *, id: str, text: str, checked: Checked, publish: bool, now: Instant) -> SavedPlaybook:
    """Keep a text and, if wanted, let new runs take it. A text with errors is neither kept nor published.

    Raises Invalid when the text is of another playbook.
    """
    require(actor, Scope.PLAYBOOKS_WRITE)
    plan = checked.plan
    if plan is None:
        return SavedPlaybook(id, digest_of(text), False, False, False, checked.diagnostics)
    if plan.id != id:
        raise Invalid(f"The text is of the playbook '{plan.id}', not of '{id}'.", hint="Make `id:` and the address the same.")
    is_new = tx.playbooks.save(PlaybookVersion(actor.workspace, id, plan.digest, text, plan.title, actor.name, now))
    if publish:
        tx.playbooks.publish(id, plan.digest, workspace=actor.workspace, by=actor.name, at=now)
    action = "playbook.publish" if publish else "playbook.save"
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, action, "playbook", id, {"digest": plan.digest}))
    return SavedPlaybook(id, plan.digest, True, is_new, publish, checked.diagnostics)


def publish_texts(tx: Tx, texts: Sequence[tuple[str, str]], *, catalogue: Catalogue, now: Instant) -> list[str]:
    """Publish the playbooks of files, given as (path, text); return what is wrong with those that were not."""
    problems: list[str] = []
    paths: dict[str, str] = {}
    for path, text in texts:
        checked = check(text, file=PurePath(path).name, catalogue=catalogue)
        if checked.plan is None:
            problems.append(f"Playbook {path} is not published: {_first(checked.diagnostics)}")
        elif checked.plan.id in paths:
            problems.append(f"Playbook {path} is not published: {paths[checked.plan.id]} has the id '{checked.plan.id}' too.")
        else:
            paths[checked.plan.id] = path
            _publish(tx, checked.plan, text, now)
    return problems


def find_playbooks(tx: Tx, actor: Principal) -> list[Published]:
    """Return every published playbook by id."""
    require(actor, Scope.PLAYBOOKS_READ)
    return tx.playbooks.published(workspace=actor.workspace)


def get_playbook(tx: Tx, actor: Principal, *, id: str) -> PlaybookVersion:
    """Return the published version with its text; raises PlaybookNotFound."""
    require(actor, Scope.PLAYBOOKS_READ)
    return tx.playbooks.current(id, workspace=actor.workspace)


def _publish(tx: Tx, plan: Plan, text: str, now: Instant) -> None:
    workspace = DEFAULT_WORKSPACE
    try:
        if tx.playbooks.current(plan.id, workspace=workspace).digest == plan.digest:
            return
    except PlaybookNotFound:
        pass  # not published yet
    tx.playbooks.save(PlaybookVersion(workspace, plan.id, plan.digest, text, plan.title, FROM_FILES, now))
    tx.playbooks.publish(plan.id, plan.digest, workspace=workspace, by=FROM_FILES, at=now)
    tx.audit.add(AuditLine(workspace, now, FROM_FILES, "playbook.publish", "playbook", plan.id, {"digest": plan.digest}))


def _first(diagnostics: Sequence[Diagnostic]) -> str:
    errors = [found for found in diagnostics if found.level is Level.ERROR]
    first = errors[0]
    more = f" (and {len(errors) - 1} more; see `tocsin check`)" if len(errors) > 1 else ""
    return f"{first.span.file}:{first.span.line}:{first.span.column} {first.code} {first.message} {first.hint}".rstrip() + more
