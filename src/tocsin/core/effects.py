"""What an action does to the world, and what to do when nobody knows whether it did it."""

from dataclasses import dataclass
from enum import StrEnum

from tocsin.core.values import JsonObject


class Effect(StrEnum):
    """`read` changes nothing; `write` can be undone or does no harm; `destructive` stops somebody's work."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"


class OnUnknown(StrEnum):
    """What to do after a crash or a timeout left the outcome unknown."""

    REPEAT = "repeat"
    KEY = "key"
    VERIFY = "verify"
    ASK = "ask"


class Probe(StrEnum):
    """What a `verify` probe found."""

    APPLIED = "applied"
    NOT_APPLIED = "not_applied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """What the language and the engine need to know of one action."""

    name: str  # pack.action
    title: str
    effect: Effect
    on_unknown: OnUnknown | None  # None only for reads
    input_schema: JsonObject
    output_schema: JsonObject
    undo: str | None = None
    key_window_s: float | None = None  # how long the target remembers an idempotency key; None: for ever
    settle_s: float = 2.0  # how long a verify probe waits first
    minutes_saved: float = 0.0
