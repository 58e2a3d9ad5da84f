"""Ids: a short prefix that names the noun, then 26 characters that sort by time (a ULID in lower case)."""

from datetime import datetime
from typing import NewType, Protocol

AlertId = NewType("AlertId", str)
AskId = NewType("AskId", str)
CaseId = NewType("CaseId", str)
KeyId = NewType("KeyId", str)
RunId = NewType("RunId", str)
UserId = NewType("UserId", str)
WorkspaceId = NewType("WorkspaceId", str)

DEFAULT_WORKSPACE = WorkspaceId("default")
ENTROPY_BYTES = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]


class Ids(Protocol):
    """Make a fresh id for a prefix: `ids("alr")`."""

    def __call__(self, prefix: str) -> str:
        """Return a fresh id that starts with the prefix."""
        ...


def make_id(prefix: str, at: datetime, entropy: bytes) -> str:
    """Make the id of an instant and 10 random bytes; ids of one prefix sort by instant."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"an id needs {ENTROPY_BYTES} bytes of entropy, got {len(entropy)}")
    number = (int(at.timestamp() * 1000) << 80) | int.from_bytes(entropy, "big")
    return f"{prefix}_" + "".join(_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10))
