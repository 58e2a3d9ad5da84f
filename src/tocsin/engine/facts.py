"""What the decider is told of the moment; it asks nothing else of the world."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tocsin.core.effects import ActionSpec
from tocsin.core.ids import Ids, RunId, WorkspaceId
from tocsin.playbook.plan import Plan


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so at this moment. `in_flight`: paths of the calls that this worker has going."""

    run: RunId
    workspace: WorkspaceId
    now: datetime
    epoch: int
    in_flight: frozenset[str]
    spec: Callable[[str], ActionSpec]
    current: Callable[[str], Plan]  # the published version of a playbook
    version: Callable[[str], Plan]  # the plan of a digest
    ids: Ids
