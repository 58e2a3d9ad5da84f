"""Questions to people: what an ask says, to whom, and what exactly the answer is bound to."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from tocsin.core.errors import Invalid
from tocsin.core.values import Json, JsonObject, iso
from tocsin.engine.events import ActionIntended, AskClosed, AskOpened
from tocsin.engine.facts import Facts
from tocsin.playbook.plan import ActionStep, AskStep, Escalation, Plan

IT_HAPPENED, RUN_IT, ABORT = "it-happened", "run-it", "abort"


def open_ask(step: AskStep, *, path: str, names: Mapping[str, Json], plan: Plan, facts: Facts) -> AskOpened:
    """Return the question of an `ask` step."""
    title = str(step.title.render(names))
    message = str(step.message.render(names)) if step.message is not None else ""
    to = _people(step.to.render(names))
    form = step.form or {}
    options = list(step.options)
    return AskOpened(
        at=iso(facts.now),
        path=path,
        ask=facts.ids("ask"),
        about="step",
        title=title,
        message=message,
        to=to,
        via=list(step.via),
        options=options,
        form=form,
        quorum=step.quorum,
        deadline=iso(facts.now + timedelta(seconds=step.deadline_s)) if step.deadline_s is not None else None,
        on_deadline=step.on_deadline,
        binding=bind(facts.run, path, plan.digest, {"title": title, "message": message, "options": list(step.options), "form": form}),
        escalates=[] if step.escalation is None else _people(step.escalation.to.render(names)),
    )


def escalated(asked: AskOpened, escalation: Escalation, facts: Facts) -> tuple[AskClosed, AskOpened]:
    """Return the end of a question that nobody has answered in time, and the same question to those who are asked instead."""
    at = iso(facts.now)
    reason = f"nobody answered in time; {', '.join(asked.escalates)} is asked now"
    again = msgspec.structs.replace(
        asked,
        at=at,
        ask=facts.ids("ask"),
        to=asked.escalates,
        deadline=iso(facts.now + timedelta(seconds=escalation.deadline_s)),
        on_deadline=escalation.on_deadline,
        escalates=[],
    )
    return AskClosed(at=at, path=asked.path, ask=asked.ask, reason=reason), again


def ask_about_unknown(step: ActionStep, *, path: str, intent: ActionIntended, reason: str, facts: Facts) -> AskOpened:
    """Return the question whether a write happened that nobody knows of."""
    return AskOpened(
        at=iso(facts.now),
        path=path,
        ask=facts.ids("ask"),
        about="unknown",
        title=f"Did {step.action} happen? ({path})",
        message=f"{reason} It was sent at {intent.at}, attempt {intent.attempt}, with: {json.dumps(intent.arguments, ensure_ascii=False)}",
        to=["role:responder", "role:admin"],
        via=["web", "email"],
        options=[IT_HAPPENED, RUN_IT, ABORT],
        form={},
        quorum=1,
        deadline=None,
        on_deadline=None,
        binding=bind(facts.run, path, intent.key, {"action": intent.action, "arguments": intent.arguments, "attempt": intent.attempt}),
    )


def bind(run: str, path: str, version: str, what: JsonObject) -> str:
    """Return the sha256 of what an answer decides."""
    text = json.dumps([run, path, version, what], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _people(value: Json) -> list[str]:
    people = [value] if isinstance(value, str) else value
    if not isinstance(people, list) or not people or not all(isinstance(one, str) for one in people):
        raise Invalid("'to' needs a list of people such as role:responder or user:amira.")
    return [str(one) for one in people]
