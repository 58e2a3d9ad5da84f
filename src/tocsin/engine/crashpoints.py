"""Named places where a process may die. The crash tests kill it at each; nothing may be lost or doubled at any."""

from enum import StrEnum
from typing import Protocol


class CrashPoint(StrEnum):
    """A place between two durable facts."""

    INTAKE_BEFORE_COMMIT = "intake.before_commit"
    INTAKE_COMMITTED = "intake.committed"
    RUN_CLAIMED = "run.claimed"
    INTENT_BEFORE_COMMIT = "intent.before_commit"
    INTENT_COMMITTED = "intent.committed"
    CALL_RETURNED = "call.returned"
    OUTCOME_COMMITTED = "outcome.committed"
    WAIT_BEFORE_COMMIT = "wait.before_commit"
    WAIT_COMMITTED = "wait.committed"
    ASK_DELIVERED = "ask.delivered"
    ANSWER_BEFORE_COMMIT = "answer.before_commit"
    ANSWER_COMMITTED = "answer.committed"
    END_BEFORE_COMMIT = "end.before_commit"
    END_COMMITTED = "end.committed"


class Crash(Protocol):
    """Called at each crash point; the production one does nothing."""

    def __call__(self, point: CrashPoint) -> None:
        """Die here, or return."""
        ...


def stay_alive(point: CrashPoint) -> None:
    """Do nothing: the crash hook of production."""
