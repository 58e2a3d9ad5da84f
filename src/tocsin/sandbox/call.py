"""What a code step asks for, and what comes back."""

from dataclasses import dataclass

from tocsin.core.values import Json, JsonObject
from tocsin.playbook.plan import Runtime

PRINT_LIMIT = 64 * 1024  # bytes of printed text that are kept; the rest is dropped
INPUT_LIMIT = 8_000_000  # bytes of source and inputs as JSON
MEMORY_MB = range(32, 1025)
LONGEST_S = 600.0


@dataclass(frozen=True, slots=True)
class CodeCall:
    """Run `source`, a function's body that reads `inputs` and returns JSON, within these limits."""

    source: str
    inputs: JsonObject
    runtime: Runtime
    timeout_s: float
    memory_mb: int = 256
    output_bytes: int = 1_000_000  # of the result as JSON


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """What the code returned, and the first 64 KB of what it printed."""

    value: Json
    printed: str
