"""Check packs by machine and compute their tier; nobody types a tier."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tocsin.connectors.loader import load_pack
from tocsin.connectors.manifest import Pack
from tocsin.connectors.nodes import Node
from tocsin.connectors.validation import schema_problems
from tocsin.connectors.yamltext import Document, read_yaml
from tocsin.core.diagnostics import Diagnostic, Level
from tocsin.core.effects import Effect
from tocsin.core.values import Json, JsonObject


class Tier(StrEnum):
    """How much of a pack is proven."""

    NONE = "none"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"


RULES: Mapping[Tier, tuple[str, ...]] = {
    Tier.BRONZE: ("manifest", "check", "schemas", "effect", "case_per_action", "readme"),
    Tier.SILVER: ("error_cases", "paging", "rate", "on_unknown_argued"),
    Tier.GOLD: ("playbook", "redaction", "observables", "icon", "minutes_saved"),
    Tier.PLATINUM: ("proven",),
}
ALL_RULES = tuple(rule for rules in RULES.values() for rule in rules)


@dataclass(frozen=True, slots=True)
class Quality:
    """The tier of a pack and what stands between it and the next one."""

    tier: Tier
    unmet: tuple[str, ...]  # rules of the next tier
    exempt: Mapping[str, str]  # rule -> reason


def check_pack(folder: Path) -> list[Diagnostic]:
    """Return everything that is wrong with a pack: its files, its schemas, its code's names, its claims."""
    pack, diagnostics = load_pack(folder)
    if pack is None:
        return diagnostics
    document = Document(f"{folder.name}/pack.yaml")
    _check_code(pack, document)
    _check_schemas(pack, document)
    claims, claims_document = _claims(folder)
    for rule, claim in claims.items():
        test = _TESTS.get(rule)
        missing = test(pack) if claim == "done" and test is not None else None
        if missing:
            claims_document.report("PK401", f"'{rule}' is not done: {missing}", hint="Do it, or write todo.", where=(rule,))
    return sorted([*diagnostics, *document.diagnostics, *claims_document.diagnostics])


def quality_of(pack: Pack) -> Quality:
    """Compute the tier: every rule of it and of those below is done, where it can be checked really done, or exempt with a reason."""
    claims, _ = _claims(pack.folder)
    exempt = {rule: claim.partition(":")[2].strip() for rule, claim in claims.items() if claim.startswith("exempt:")}
    tier = Tier.NONE
    for candidate, rules in RULES.items():
        unmet = tuple(rule for rule in rules if rule not in exempt and not _is_met(rule, pack, claims))
        if unmet:
            return Quality(tier, unmet, exempt)
        tier = candidate
    return Quality(tier, (), exempt)


def _is_met(rule: str, pack: Pack, claims: Mapping[str, str]) -> bool:
    test = _TESTS.get(rule)
    return claims.get(rule) == "done" and (test is None or test(pack) is None)


def _claims(folder: Path) -> tuple[dict[str, str], Document]:
    path = folder / "quality.yaml"
    document = Document(f"{folder.name}/quality.yaml")
    if not path.is_file():
        document.report("PK402", "There is no quality.yaml.", hint="Add it: one line a rule.", level=Level.WARNING)
        return {}, document
    document = read_yaml(path, name=document.file)
    claims: dict[str, str] = {}
    for rule, node in Node(document, document.value or {}).entries().items():
        claim = node.text()
        if rule not in ALL_RULES:
            node.report("PK403", f"There is no rule '{rule}'.", hint=f"Rules: {', '.join(ALL_RULES)}.")
        elif claim not in ("done", "todo") and not (claim.startswith("exempt:") and claim.partition(":")[2].strip()):
            node.report("PK404", f"'{claim}' is no state of a rule.", hint='Write done, todo or "exempt: reason".')
        else:
            claims[rule] = claim
    return claims, document


def cases_of(folder: Path) -> list[tuple[Path, JsonObject]]:
    """Read the cases of a pack, in the order of their files; what cannot be read is left to `check_pack`."""
    found: list[tuple[Path, JsonObject]] = []
    for path in sorted((folder / "cases").glob("*.yaml")):
        value = read_yaml(path).value
        cases = value.get("cases") if isinstance(value, dict) else None
        found += [(path, case) for case in cases if isinstance(case, dict)] if isinstance(cases, list) else []
    return found


def _check_code(pack: Pack, document: Document) -> None:
    wanted = {action.code: f"the action {name}" for name, action in pack.actions.items() if action.code}
    wanted |= {action.verify.code: f"the probe of {name}" for name, action in pack.actions.items() if action.verify and action.verify.code}
    wanted |= {source.code: f"the source {name}" for name, source in pack.sources.items()}
    if not wanted:
        return
    path = pack.folder / "code.py"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        document.report("PK309", f"code.py cannot be read: {error}.", hint="Actions, probes and sources with 'code' need it.")
        return
    names = {node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}
    imported = {alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    for name, what in wanted.items():
        if name not in names | imported:
            document.report("PK309", f"code.py has no `async def {name}` for {what}.", hint="Write it, or correct the name.")


def _check_schemas(pack: Pack, document: Document) -> None:
    schemas: list[tuple[str, JsonObject]] = []
    for name, action in pack.actions.items():
        schemas += [(f"the input of {name}", action.spec.input_schema), (f"the output of {name}", action.spec.output_schema)]
        schemas += [(f"the answer of {name}", action.response.schema)] if action.response.schema else []
    schemas += [(f"the options of {name}", source.options) for name, source in pack.sources.items()]
    schemas += [("the connection's config", pack.connection.config)] if pack.connection else []
    for what, schema in schemas:
        for problem in schema_problems(schema):
            document.report("PK206", f"The schema of {what} is no JSON Schema: {problem}", hint="Correct it.")


def _names(cases: Sequence[tuple[Path, JsonObject]], key: str) -> set[Json]:
    return {value for _, case in cases if isinstance(value := case.get(key), str)}


def _no_check(pack: Pack) -> str | None:
    return None if pack.check else "pack.yaml has no 'check'."


def _no_schemas(pack: Pack) -> str | None:
    bare = [name for name, action in pack.actions.items() if not action.spec.output_schema]
    return f"no output schema in {', '.join(bare)}." if bare else None


def _no_cases(pack: Pack) -> str | None:
    cases = cases_of(pack.folder)
    bare = sorted(set(pack.actions) - _names(cases, "action")) + sorted(set(pack.mappings) - _names(cases, "mapping"))
    return f"no case for {', '.join(bare)}." if bare else None


def _no_readme(pack: Pack) -> str | None:
    return None if (pack.folder / "README.md").is_file() else "there is no README.md."


def _no_error_cases(pack: Pack) -> str | None:
    expected = [case.get("expect") for _, case in cases_of(pack.folder) if "action" in case]
    kinds = {error.get("kind") for expect in expected if isinstance(expect, dict) and isinstance(error := expect.get("error"), dict)}
    missing = sorted({"auth_failed", "not_found", "transient"} - kinds)
    return f"no case expects {', '.join(missing)}." if missing else None


def _no_rate(pack: Pack) -> str | None:
    if pack.connection is not None and pack.connection.rate is not None:
        return None
    bare = [name for name, action in pack.actions.items() if action.rate is None]
    return f"no rate for {', '.join(bare)}." if bare else None


def _not_argued(pack: Pack) -> str | None:
    if all(action.spec.effect is Effect.READ for action in pack.actions.values()):
        return None
    path = pack.folder / "README.md"
    text = path.read_text(encoding="utf-8").lower() if path.is_file() else ""
    return None if "unknown outcome" in text else "README.md has no heading 'Unknown outcomes'."


def _no_icon(pack: Pack) -> str | None:
    return None if (pack.folder / "icon.svg").is_file() else "there is no icon.svg."


def _no_minutes(pack: Pack) -> str | None:
    bare = [name for name, action in pack.actions.items() if not action.spec.minutes_saved]
    return f"no minutes_saved in {', '.join(bare)}." if bare else None


_TESTS: Mapping[str, Callable[[Pack], str | None]] = {
    "check": _no_check,
    "schemas": _no_schemas,
    "case_per_action": _no_cases,
    "readme": _no_readme,
    "error_cases": _no_error_cases,
    "rate": _no_rate,
    "on_unknown_argued": _not_argued,
    "icon": _no_icon,
    "minutes_saved": _no_minutes,
}
