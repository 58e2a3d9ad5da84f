"""The proof of a text: what its checks and its rehearsals say, and which versions it calls."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from tocsin.core.diagnostics import Diagnostic, Level
from tocsin.core.errors import TocsinError
from tocsin.core.ids import WorkspaceId
from tocsin.core.playbooks import Checks, Rehearsals
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.compile import check, digest_of
from tocsin.playbook.diff import Change
from tocsin.playbook.plan import Plan
from tocsin.playbook.present import as_json
from tocsin.services.versions.changes import changes
from tocsin.services.versions.order import calls_in
from tocsin.services.versions.rehearsing import Rehearse, run_rehearsals
from tocsin.store.repos.playbooks import PlaybookVersion, Published
from tocsin.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Known:
    """The playbooks that are published: the digest of each, and what each calls."""

    digests: Mapping[str, str] = field(default_factory=dict)
    calls: Mapping[str, Collection[str]] = field(default_factory=dict)

    def having(self, id: str, *, digest: str | None, calls: Collection[str]) -> "Known":
        """Return these with one more, or with another version of one."""
        digests = self.digests if digest is None else {**self.digests, id: digest}
        return Known(digests, {**self.calls, id: calls})


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of a text before it is saved. `plan` is None when it has errors."""

    id: str
    text: str
    digest: str
    plan: Plan | None
    calls: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]
    rehearsal: str = ""
    rehearsals: Rehearsals | None = None

    @property
    def is_red(self) -> bool:
        """Tell whether there is an error, or a rehearsal that failed."""
        return self.plan is None or (self.rehearsals is not None and not self.rehearsals.are_green)

    @property
    def checks(self) -> Checks:
        """Return what checking found."""
        counts = {level: sum(one.level is level for one in self.diagnostics) for level in Level}
        found = tuple(as_json(one) for one in self.diagnostics)
        return Checks(counts[Level.ERROR], counts[Level.WARNING], counts[Level.INFO], found)


def known_playbooks(tx: Tx, *, workspace: WorkspaceId) -> Known:
    """Return what is published and not switched off."""
    return known_of([one for one in tx.playbooks.published(workspace=workspace) if one.enabled])


def known_of(published: Collection[Published]) -> Known:
    """Return them as what a proof needs to know."""
    return Known({one.playbook: one.digest for one in published}, {one.playbook: tuple(one.calls) for one in published})


class Prover:
    """Checks and rehearses texts. It computes and reads the store, so call it in a thread of its own."""

    def __init__(self, catalogue: Catalogue, *, version: Callable[[str], Plan], rehearse: Rehearse = run_rehearsals) -> None:
        """`version` returns the plan of a saved digest."""
        self._catalogue, self._version, self._rehearse = catalogue, version, rehearse

    def prove(
        self, text: str, *, id: str, known: Known, rehearsal: str = "", file: str = "", plans: Mapping[str, Plan] | None = None
    ) -> Proof:
        """Check a text with the playbooks that are known, and rehearse it.

        `plans` are those that are not saved yet, by id. `file` is how diagnostics call the text.
        """
        checked = check(text, file=file or f"{id}.yaml", catalogue=self._catalogue, playbooks=known.calls, pins=known.digests)
        if checked.plan is None:
            return Proof(id, text, digest_of(text), None, {}, checked.diagnostics, rehearsal)
        calls = calls_in(text)
        pins = {name: known.digests[name] for name in sorted(calls.pinned) if name in known.digests}
        others = self._reached(id, calls.all, known, plans or {}) if rehearsal else {}
        rehearsals = self._rehearsed(rehearsal, checked.plan, others) if rehearsal else None
        return Proof(id, text, checked.plan.digest, checked.plan, pins, checked.diagnostics, rehearsal, rehearsals)

    def prove_again(self, version: PlaybookVersion, *, known: Known) -> Proof:
        """Check and rehearse a saved version as it is pinned: packs may have changed since."""
        pinned = Known({**known.digests, **version.calls}, {**known.calls, **dict.fromkeys(version.calls, ())})
        return self.prove(version.text, id=version.playbook, known=pinned, rehearsal=version.rehearsal)

    def plan_of(self, digest: str) -> Plan | None:
        """Return the plan of a saved version; None when it has errors, by now."""
        try:
            return self._version(digest)
        except TocsinError:
            return None

    def compare(self, before: Plan | None, after: Plan | None) -> tuple[Change, ...]:
        """Return what has changed; nothing when one of them has errors."""
        return changes(before, after, catalogue=self._catalogue)

    def _rehearsed(self, text: str, plan: Plan, plans: Mapping[str, Plan]) -> Rehearsals:
        try:
            return self._rehearse(text, plan, plans=plans, catalogue=self._catalogue)
        except TocsinError as error:
            return Rehearsals(failed=1, failures=(str(error),))

    def _reached(self, own: str, calls: Collection[str], known: Known, plans: Mapping[str, Plan]) -> dict[str, Plan]:
        """Return the plans of what a playbook calls, and of what that calls."""
        found: dict[str, Plan] = {}
        waiting = [*calls]
        while waiting:
            id = waiting.pop()
            if id in found or id == own or not (id in plans or id in known.digests):
                continue
            found[id] = plans[id] if id in plans else self._version(known.digests[id])
            waiting += known.calls.get(id, ())
        return found
