"""One change of meaning between two playbooks."""

from dataclasses import dataclass
from enum import StrEnum

from tocsin.core.values import Json, JsonObject


class ChangeKind(StrEnum):
    """What has changed."""

    STEP_ADDED = "step_added"
    STEP_REMOVED = "step_removed"
    STEP_MOVED = "step_moved"
    STEP_RENAMED = "step_renamed"
    KIND = "kind"
    ACTION = "action"
    ARGUMENT = "argument"
    CONDITION = "condition"
    RETRY = "retry"
    TIMEOUT = "timeout"
    ON_ERROR = "on_error"
    CONCURRENCY = "concurrency"
    ASK = "ask"
    SETTING = "setting"  # another key of a step
    EFFECT_RAISED = "effect_raised"
    EFFECT_LOWERED = "effect_lowered"
    GUARD_REMOVED = "guard_removed"
    UNGUARDED = "unguarded"  # a new destructive action that nothing guards
    TRIGGER_ADDED = "trigger_added"
    TRIGGER_REMOVED = "trigger_removed"
    INPUT = "input"
    OUTPUT = "output"
    HEAD = "head"  # the playbook's id or title


class Risk(StrEnum):
    """How closely a reviewer should look."""

    NONE = "none"
    NOTICE = "notice"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `path` leads to it by keys and ids, as `steps/permission/ask/quorum`; where nothing stood, a value is null."""

    kind: ChangeKind
    path: str
    before: Json
    after: Json
    risk: Risk
    sentence: str

    def as_json(self) -> JsonObject:
        """Return the change as `tocsin diff --json` gives it."""
        return {
            "kind": self.kind.value,
            "path": self.path,
            "before": self.before,
            "after": self.after,
            "risk": self.risk.value,
            "sentence": self.sentence,
        }
