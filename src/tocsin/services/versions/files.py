"""Publish the playbooks that stand in files at a start: those that are called first, and each without regard to the others."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tocsin.core.access import Principal
from tocsin.core.playbooks import Manuscript, Review
from tocsin.core.values import Instant
from tocsin.playbook.plan import Plan
from tocsin.playbook.present import render
from tocsin.services.versions.order import callees_first, calls_in
from tocsin.services.versions.proof import Known, Proof, Prover, known_of
from tocsin.services.versions.saving import Origin, save_playbook
from tocsin.store.repos.playbooks import Published
from tocsin.store.tx import Tx
from tocsin.store.units import Units

_ORIGIN = Origin(source="file")


@dataclass(frozen=True, slots=True)
class _Proven:
    """What is to be published, and what the operator should know."""

    proofs: tuple[Proof, ...]
    problems: tuple[str, ...]


async def publish_files(units: Units, actor: Principal, *, prover: Prover, files: Sequence[Manuscript], now: Instant) -> list[str]:
    """Publish what is new or changed; return what the operator should know.

    A caller of which only the callee has changed is saved anew, with the new version pinned. What a person has published since in place of
    a file stays until the file changes.
    """
    given = {one.id: one for one in files}
    twice = [one.file for index, one in enumerate(files) if one.id in {other.id for other in files[:index]}]
    problems = [f"{file}: another file has the same name, and that one counts." for file in twice]
    published = await units.read(lambda tx: tx.playbooks.published(workspace=actor.workspace))
    proven = await asyncio.to_thread(_prove, prover, published, list(given.values()))

    def unit(tx: Tx) -> list[str]:
        told = [_publish(tx, actor, proof, published, now) for proof in proven.proofs]
        return [one for one in told if one]

    told = await units.write(unit) if proven.proofs else []
    return [*problems, *proven.problems, *told]


def _prove(prover: Prover, published: Collection[Published], files: Sequence[Manuscript]) -> _Proven:
    given = {one.id: one for one in files}
    calls = {one.id: calls_in(one.text).all for one in files}
    before = known_of([one for one in published if one.enabled])
    known = Known(before.digests, {**before.calls, **calls})
    plans: dict[str, Plan] = {}
    proofs: list[Proof] = []
    problems: list[str] = []
    for id in callees_first(calls):
        one = given[id]
        proof = prover.prove(one.text, id=id, known=known, file=one.file, plans=plans)
        if proof.plan is None:
            problems += render(proof.diagnostics, one.text).splitlines()
            continue
        plans[id] = proof.plan
        if proof.digest != next((other.digest for other in published if other.playbook == id), None):
            # A start has no time to rehearse what is published already.
            proofs.append(prover.prove(one.text, id=id, known=known, rehearsal=one.rehearsal, file=one.file, plans=plans))
            known = known.having(id, digest=proof.digest, calls=calls[id])
    return _Proven(tuple(proofs), tuple(problems))


def _publish(tx: Tx, actor: Principal, proof: Proof, published: Collection[Published], now: Instant) -> str:
    current = next((one for one in published if one.playbook == proof.id), None)
    is_anothers = current is not None and current.published_by != actor.name
    if current and is_anothers and tx.playbooks.has_text(proof.id, proof.text, workspace=actor.workspace, source=_ORIGIN.source):
        return (
            f"Playbook '{proof.id}': version {current.number}, published by {current.published_by}, stays, "
            "for its file has not changed since. Change the file, or publish its version."
        )
    saved = save_playbook(tx, actor, proof=proof, origin=_ORIGIN, publish=True, review=Review.OFF, now=now)
    red = proof.rehearsals
    if saved.is_published or red is None:
        return ""
    first = f" The first: {red.failures[0]}" if red.failures else ""
    return f"Playbook '{proof.id}' was not published, for {red.failed} of its {red.passed + red.failed} rehearsals fail.{first}"
