"""Playbooks: save a text with what is wrong with it, publish, list."""

from dataclasses import dataclass

from tocsin.core.access import Principal, Scope, require
from tocsin.core.diagnostics import Diagnostic
from tocsin.core.errors import Invalid
from tocsin.core.values import Instant
from tocsin.playbook.compile import Checked, digest_of
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.playbooks import PlaybookVersion, Published
from tocsin.store.tx import Tx


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


def find_playbooks(tx: Tx, actor: Principal) -> list[Published]:
    """Return every published playbook by id."""
    require(actor, Scope.PLAYBOOKS_READ)
    return tx.playbooks.published(workspace=actor.workspace)


def get_playbook(tx: Tx, actor: Principal, *, id: str) -> PlaybookVersion:
    """Return the published version with its text; raises PlaybookNotFound."""
    require(actor, Scope.PLAYBOOKS_READ)
    return tx.playbooks.current(id, workspace=actor.workspace)
