"""Golden files: what the checker says of a text, and the plan of a text that is right.

Each NAME.yaml stands beside NAME.expected.txt. After a change that is meant: TOCSIN_UPDATE_GOLDEN=1 pytest, and read the difference.
"""

import os
from pathlib import Path

import pytest

from tocsin.core.values import JsonObject
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.codes import ALL, Code, playbook_of
from tocsin.playbook.compile import Checked, check
from tocsin.playbook.directory import FixedDirectory
from tocsin.playbook.plan import (
    ActionStep,
    AlertTrigger,
    AskStep,
    Block,
    CallStep,
    CaseTrigger,
    CodeStep,
    ForEachStep,
    IfStep,
    ParallelStep,
    Plan,
    ScheduleTrigger,
    SetStep,
    Step,
    StopStep,
    SwitchStep,
    Trigger,
    WaitStep,
    WebhookTrigger,
    WhileStep,
)
from tocsin.playbook.present import render

UPDATE = bool(os.environ.get("TOCSIN_UPDATE_GOLDEN"))  # read before any test changes the environment
HERE = Path(__file__).parent
ISOLATE: JsonObject = {
    "type": "object",
    "properties": {"host": {"type": "string"}, "minutes": {"type": "integer"}},
    "required": ["host"],
    "additionalProperties": False,
}
PLAYBOOKS = FixedDirectory(
    {"notify-user": ["flow-many"], "flow-many": ["notify-user"], "example": ["example"], "isolate-host": []},
    inputs={"isolate-host": ISOLATE},
)
MADE: dict[str, str | bytes] = {"PB102": "a: " + "x" * 300_000, "PB109": b"title: f\xfcr"}


def _plan_text(plan: Plan) -> str:
    lines = [f"plan {plan.id}: {plan.title}"]
    for trigger in plan.triggers:
        lines.append(f"  on {_trigger_text(trigger)}")
    lines.append(f"  inputs {plan.inputs}")
    lines += _block_lines(plan.steps, "  ")
    lines += ["  finally", *_block_lines(plan.final, "    ")] if plan.final else []
    lines.append(f"  outputs {None if plan.outputs is None else plan.outputs.value}")
    return "\n".join(lines) + "\n"


def _trigger_text(trigger: Trigger) -> str:
    match trigger:
        case AlertTrigger():
            return trigger.condition.source
        case WebhookTrigger():
            return f"webhook {trigger.name}"
        case ScheduleTrigger():
            return f"schedule {trigger.cron}"
        case CaseTrigger():
            return f"case {trigger.happening}"


def _block_lines(block: Block, margin: str) -> list[str]:
    return [line for step in block for line in _step_lines(step, margin)]


def _step_lines(step: Step, margin: str) -> list[str]:
    common = step.common
    head = f"{margin}{common.key} (line {common.line}) {type(step).__name__}"
    head += f" if {common.condition.source}" if common.condition else ""
    head += "" if common.on_error == "fail" else f" on_error {common.on_error}"
    inner = margin + "    "
    match step:
        case ActionStep():
            retry = f"{step.retry.attempts}x{step.retry.delay_s}s*{step.retry.backoff}"
            more = f"{step.action} {step.arguments.value} connection={step.connection} retry={retry} timeout={step.timeout_s}"
            more += "" if step.polling is None else f" until {step.polling.until.source} {step.polling.every_s} {step.polling.at_most_s}"
            more += "" if step.undo_after_s is None else f" undo_after={step.undo_after_s}"
            return [f"{head} {more} effect={step.effect} reads={sorted(step.reads)}", *_block_lines(common.handler, inner)]
        case SetStep():
            return [f"{head} {step.values.value}"]
        case IfStep():
            lines = [head]
            for condition, block in step.branches:
                lines += [f"{margin}  when {condition.source}", *_block_lines(block, inner)]
            return [*lines, f"{margin}  else", *_block_lines(step.otherwise, inner)] if step.otherwise else lines
        case SwitchStep():
            lines = [f"{head} {step.subject.source}"]
            for value, block in step.cases:
                lines += [f"{margin}  case {value!r}", *_block_lines(block, inner)]
            return [*lines, f"{margin}  default", *_block_lines(step.default, inner)]
        case ForEachStep():
            return [f"{head} {step.items.source} as {step.variable} x{step.concurrency}", *_block_lines(step.body, inner)]
        case WhileStep():
            return [f"{head} {step.condition.source} max {step.limit}", *_block_lines(step.body, inner)]
        case CodeStep():
            return [f"{head} {step.inputs.value} {step.runtime} {step.timeout_s} {step.returns} {step.source!r}"]
        case ParallelStep():
            head += "" if step.join == len(step.branches) else f" join {step.join}"
            return [head, *(line for branch in step.branches for line in [f"{margin}  branch", *_block_lines(branch, inner)])]
        case AskStep():
            who = f"{step.title.value!r} to={step.to.value} via={step.via} message={step.message.value if step.message else None}"
            how = f"options={step.options} form={step.form} quorum={step.quorum} deadline={step.deadline_s} {step.on_deadline}"
            return [f"{head} {who} {how}"]
        case WaitStep():
            slots = [None if slot is None else slot.value for slot in (step.duration, step.until)]
            event = (
                ""
                if step.event is None
                else f" {step.event.kind} {step.event.filter and step.event.filter.source} {step.event.on_deadline}"
            )
            return [f"{head} {step.duration_s} {slots}{event}"]
        case CallStep():
            return [f"{head} {step.playbook} {step.inputs.value}{'' if step.waits else ' and goes on'}"]
        case StopStep():
            return [f"{head} {step.outcome} {step.reason.value!r}"]


def _shown(checked: Checked, text: str | bytes) -> str:
    return render(checked.diagnostics, text) + ("" if checked.plan is None else _plan_text(checked.plan))


def _compare(path: Path, shown: str) -> None:
    if UPDATE:
        path.write_text(shown, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == shown


@pytest.mark.parametrize("path", sorted(HERE.glob("**/*.yaml")), ids=lambda path: str(path.relative_to(HERE)))
def test_what_is_said_of_a_text_stays_the_same(path: Path, catalogue: Catalogue) -> None:
    text = path.read_bytes()
    checked = check(text, file=path.name, catalogue=catalogue, playbooks=PLAYBOOKS)
    _compare(path.with_name(f"{path.stem}.expected.txt"), _shown(checked, text))


def test_what_is_said_of_each_example_stays_the_same(catalogue: Catalogue) -> None:
    _compare(HERE / "examples.expected.txt", "\n".join(f"# {code.id} {code.slug}\n{_said(code, catalogue)}" for code in ALL))


def _said(code: Code, catalogue: Catalogue) -> str:
    text = MADE.get(code.id) or playbook_of(code.bad)
    return render(check(text, file="example.yaml", catalogue=catalogue, playbooks=PLAYBOOKS).diagnostics, text)


def test_every_code_is_in_a_golden_file() -> None:
    said = "\n".join(path.read_text(encoding="utf-8") for path in HERE.glob("**/*.expected.txt"))
    assert not [code.id for code in ALL if f" {code.id}: " not in said]


@pytest.mark.parametrize("name", ["phishing-triage", "isolate-host"])
def test_right_playbooks_are_clean(name: str, catalogue: Catalogue) -> None:
    text = (HERE / f"{name}.yaml").read_text(encoding="utf-8")
    checked = check(text, file=f"{name}.yaml", catalogue=catalogue, playbooks=PLAYBOOKS)
    assert checked.diagnostics == ()
    assert checked.plan is not None
