"""Dry runs, replays and comparisons over the wire."""

from pydantic import ConfigDict, Field

from tocsin.api.schemas.base import Id, In, Line, Out
from tocsin.api.schemas.runs import RunOut
from tocsin.core.values import Json, JsonObject
from tocsin.engine.compare import Comparison, Difference, RunFacts, StepComparison, StepFacts
from tocsin.services.dryrun.report import DryRun
from tocsin.services.replays import RunReplay


class DryRunIn(In):
    """What to try."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"playbook": "phishing-triage", "answers": {"permission": "reject"}}]})

    playbook: Id
    text: str | None = Field(None, max_length=262_144, description="A draft; without it the published version is tried.")
    inputs: JsonObject = {}
    alert: Id | None = None
    answers: dict[str, str] = Field(
        {}, description="Step id of an ask to the option that is taken as its answer; the first option otherwise."
    )


class DryRunOut(Out):
    """What a run would do. Nothing was changed by finding out."""

    dry_run: bool
    playbook: str
    digest: str
    outcome: str | None = Field(description="succeeded or failed; null when it would wait for what a dry run cannot make up.")
    reason: str
    outputs: JsonObject
    at: str
    problem: str
    unused_answers: list[str] = Field(description="Answers to questions that were not put.")
    counts: JsonObject = Field(description="steps, reads, assumed, effects, destructive, asks, targets")
    steps: list[JsonObject] = Field(
        description="In order: path, playbook, depth, kind, status, how (real, shown, assumed, passed), action, effect, arguments, output; "
        "effects with sent: false, verdict and blast_radius; asks with ask; waits with wait."
    )

    @classmethod
    def of(cls, found: DryRun) -> "DryRunOut":
        """Make it."""
        return cls.model_validate(found.as_json())


class ReplayIn(In):
    """Where to go on from."""

    model_config = ConfigDict(
        populate_by_name=True, json_schema_extra={"examples": [{"from": "permission", "version": "published", "inputs": {"min_score": 5}}]}
    )

    from_path: Line = Field(alias="from", description="The step that is done anew, with everything behind it.")
    version: Line = Field("same", description="same, published, or the digest of a version.")
    inputs: JsonObject = Field({}, description="Inputs to change; the others stay as they were.")


class RepeatOut(Out):
    """An effect of the old run that the new one may do again."""

    path: str
    action: str


class ReplayOut(Out):
    """A run that goes on from a step of another one."""

    run: RunOut
    of: str
    from_path: str = Field(serialization_alias="from")
    reused: list[str] = Field(description="Paths of the steps whose results it has from the old run.")
    repeats: list[RepeatOut]

    @classmethod
    def of_replay(cls, replay: RunReplay) -> "ReplayOut":
        """Make it."""
        repeats = [RepeatOut(path=path, action=action) for path, action in replay.repeats]
        return cls(run=RunOut.of(replay.run), of=replay.of, from_path=replay.from_path, reused=[*replay.reused], repeats=repeats)


class DifferenceOut(Out):
    """One place where two values differ."""

    place: str = Field(description="A JSON path, such as $.urls[3].")
    how: str = Field(description="changed, added or removed")
    first: Json
    second: Json


class StepFactsOut(Out):
    """What became of a step in one run."""

    path: str
    kind: str
    status: str
    action: str
    effect: str
    arguments: Json
    output: Json
    branch: int | None
    error: JsonObject | None
    duration_ms: float | None

    @classmethod
    def of(cls, facts: StepFacts | None) -> "StepFactsOut | None":
        """Make it."""
        return None if facts is None else cls.model_validate(facts)


class StepComparisonOut(Out):
    """A step of both runs."""

    path: str
    same: str = Field(description="same, different, only-first or only-second")
    changed: list[str] = Field(description="Of status, branch, action, arguments, output, error.")
    arguments: list[DifferenceOut]
    output: list[DifferenceOut]
    first: StepFactsOut | None
    second: StepFactsOut | None

    @classmethod
    def of(cls, step: StepComparison) -> "StepComparisonOut":
        """Make it."""
        return cls(
            path=step.path,
            same=step.same.value,
            changed=[*step.changed],
            arguments=_differences(step.arguments),
            output=_differences(step.output),
            first=StepFactsOut.of(step.first),
            second=StepFactsOut.of(step.second),
        )


class RunFactsOut(Out):
    """What became of a run."""

    playbook: str
    digest: str
    outcome: str | None
    reason: str
    began_at: str
    ended_at: str
    outputs: JsonObject

    @classmethod
    def of(cls, facts: RunFacts) -> "RunFactsOut":
        """Make it."""
        return cls(
            playbook=facts.playbook,
            digest=facts.digest,
            outcome=facts.outcome.value if facts.outcome else None,
            reason=facts.reason,
            began_at=facts.began_at,
            ended_at=facts.ended_at,
            outputs=facts.outputs,
        )


class ComparisonOut(Out):
    """Two runs, step by step."""

    is_same: bool
    first: RunFactsOut
    second: RunFactsOut
    inputs: list[DifferenceOut]
    outputs: list[DifferenceOut]
    steps: list[StepComparisonOut]

    @classmethod
    def of(cls, found: Comparison) -> "ComparisonOut":
        """Make it."""
        return cls(
            is_same=found.is_same,
            first=RunFactsOut.of(found.first),
            second=RunFactsOut.of(found.second),
            inputs=_differences(found.inputs),
            outputs=_differences(found.outputs),
            steps=[StepComparisonOut.of(step) for step in found.steps],
        )


def _differences(found: tuple[Difference, ...]) -> list[DifferenceOut]:
    return [DifferenceOut.model_validate(one) for one in found]
