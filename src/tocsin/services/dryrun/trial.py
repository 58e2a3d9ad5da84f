"""Do a dry run: play the playbook on a stage in a thread, with real reads and nothing that changes anything."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field

from tocsin.core.access import Principal, Scope, require
from tocsin.core.errors import Invalid
from tocsin.core.ids import AlertId, Ids
from tocsin.core.values import Json, JsonObject, iso
from tocsin.engine.ports import ActionCall, Actions, Clock, Plans
from tocsin.playbook.plan import AskStep, Plan
from tocsin.playbook.walking import every_step
from tocsin.rehearsal.cast import Call
from tocsin.rehearsal.clock import StageClock
from tocsin.rehearsal.stage import Stage
from tocsin.services.dryrun.cast import DryCast
from tocsin.services.dryrun.guardrails import Guardrails
from tocsin.services.dryrun.report import DryRun, report
from tocsin.services.runs import checked_inputs
from tocsin.store.repos.audit import AuditLine
from tocsin.store.units import Units
