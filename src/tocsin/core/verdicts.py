"""What is believed about an observable or an alert."""

from dataclasses import dataclass
from enum import StrEnum

from tocsin.core.values import Instant


class Verdict(StrEnum):
    """A belief, from no idea to certain harm."""

    UNKNOWN = "unknown"
    BENIGN = "benign"
    SUSPICIOUS = "suspicious"
    MALICIOUS = "malicious"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with who gave it, why and when."""

    verdict: Verdict
    source: str
    reason: str
    at: Instant
