"""What the guardrails would say of an effect, as a dry run asks them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from tocsin.core.values import JsonObject


class Ruling(StrEnum):
    """What a guardrail makes of an effect."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ruling and the rule that it comes from; `rule` is empty when none speaks of the action."""

    ruling: Ruling
    rule: str = ""
    reason: str = ""

    def as_json(self) -> JsonObject:
        """Return it for machines."""
        return {"ruling": self.ruling.value, "rule": self.rule or None, "reason": self.reason}


class Guardrails(Protocol):
    """The rules of a workspace, asked about one action with its real arguments."""

    def verdict(self, action: str, arguments: JsonObject) -> Verdict:
        """Return what the rules say."""
        ...


class NoRules:
    """Guardrails of a workspace that has none: everything is allowed."""

    def verdict(self, action: str, arguments: JsonObject) -> Verdict:
        """Allow it, and say that no rule did."""
        return Verdict(Ruling.ALLOW, reason="There are no guardrails.")


NO_RULES: Final[Guardrails] = NoRules()
