"""The house rules that ruff, mypy and import-linter cannot say: each a small function over one module's syntax tree."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PURE = ("core", "playbook", "engine")
# Where an `except Exception` may stand, because nothing above it would catch what it catches.
EDGES = ("engine/driver.py", "api/", "connectors/runtime.py", "store/units.py", "sandbox/inside.py")
CLOCKS_AND_CHANCE = {"time", "uuid", "random", "secrets", "os", "socket", "subprocess"}
NOW = {"now", "utcnow", "today"}
EMPTY_WORDS = re.compile(r"(Manager|Helper|Helpers|Util|Utils|Data|Info)$")
TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<code>\[[\w, -]+\])?\s*(?P<reason>#.*|\S.*)?$")


@dataclass(frozen=True, slots=True)
class Module:
    """One source file; `path` is relative to src/tocsin, with slashes."""

    path: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """Return the top-level package, or the file's own name."""
        return self.path.split("/")[0].removesuffix(".py")

    def line(self, number: int) -> str:
        """Return one line of the source, 1-based; empty past the end."""
        lines = self.text.splitlines()
        return lines[number - 1] if number <= len(lines) else ""


Finding = tuple[int, str]  # line, what is wrong and what to do
Rule = Callable[[Module], Iterator[Finding]]


def module(path: str, text: str) -> Module:
    """Parse a source text."""
    return Module(path=path, text=text, tree=ast.parse(text))


def modules(root: Path = ROOT) -> list[Module]:
    """Read every source file of the package; migrations are run by Alembic, in its own style."""
    source = root / "src" / "tocsin"
    paths = (path.relative_to(source).as_posix() for path in sorted(source.rglob("*.py")))
    return [module(path, (source / path).read_text(encoding="utf-8")) for path in paths if "/migrations/" not in path]


def broken(rule: Rule, found: list[Module]) -> list[str]:
    """Return `file:line: what` for everything that breaks the rule."""
    return [f"src/tocsin/{one.path}:{line}: {what}" for one in found for line, what in rule(one)]


def _imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def pure_code_takes_time_ids_and_chance_as_arguments(one: Module) -> Iterator[Finding]:
    """No clock, id, randomness or environment is read in core, playbook and engine."""
    if one.package not in PURE:
        return
    for line, name in _imported(one.tree):
        if name in CLOCKS_AND_CHANCE:
            yield line, f"imports {name}; take what it gives as an argument"
    for line, called in _calls(one.tree):
        owner, _, method = called.rpartition(".")
        if method in NOW and owner.rpartition(".")[2] in {"datetime", "date"}:
            yield line, f"calls {called}(); take `now` as an argument"


def broad_excepts_stand_at_the_edges_with_a_reason(one: Module) -> Iterator[Finding]:
    """`except Exception` only where nothing above would catch it, with a comment that says why, or to clean up and raise again."""
    allowed = one.path.startswith(EDGES)
    for node in ast.walk(one.tree):
        if not isinstance(node, ast.ExceptHandler) or not _is_broad(node.type) or _raises_again(node):
            continue
        if not allowed:
            yield node.lineno, f"catches everything; catch what you handle (everything is caught only in {', '.join(EDGES)})"
        elif not any("#" in one.line(number) for number in (node.lineno - 1, node.lineno, node.lineno + 1)):
            yield node.lineno, "catches everything without a comment that says why"
    for line, called in _calls(one.tree):
        if called.endswith("suppress") and re.search(r"suppress\((Base)?Exception\b", one.line(line)):
            yield line, "suppresses everything; name the errors"


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _is_broad(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(name is None or ast.unparse(name) in {"Exception", "BaseException"} for name in names)


def only_the_command_line_prints(one: Module) -> Iterator[Finding]:
    """`print` belongs to cli; everything else logs or returns."""
    if one.package != "cli":
        yield from ((line, "prints; log it or return it") for line, called in _calls(one.tree) if called == "print")


def modules_hold_no_mutable_state(one: Module) -> Iterator[Finding]:
    """No module-level list, dict or set under a lower-case name, and no `global`: there are no singletons."""
    for node in one.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        for target in targets:
            if isinstance(target, ast.Name) and not target.id.startswith("__") and not target.id.isupper() and _is_mutable(value):
                yield node.lineno, f"keeps '{target.id}' in the module; pass it, or name it in capitals if it is a constant"
    for inner in ast.walk(one.tree):
        if isinstance(inner, ast.Global):
            yield inner.lineno, "uses `global`; pass the object that holds the state"


def _is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rpartition(".")[2] in {"dict", "list", "set", "defaultdict", "deque", "OrderedDict", "Counter"}
    return isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp)


def sql_lives_in_the_store(one: Module) -> Iterator[Finding]:
    """SQLAlchemy, Alembic and DBOS are imported by store and wiring only."""
    if one.package in {"store", "wiring"}:
        return
    for line, name in _imported(one.tree):
        if name in {"sqlalchemy", "alembic", "dbos"} or (name.startswith(("sqlalchemy.", "alembic.", "dbos.")) and name.count(".") == 1):
            yield line, f"imports {name}; put the query in store/repos"


def only_dispatch_knows_the_queue(one: Module) -> Iterator[Finding]:
    """DBOS is imported by one file, so that it can be replaced."""
    if one.path != "store/dispatch.py":
        yield from ((line, "imports dbos; only store/dispatch.py may") for line, name in _imported(one.tree) if name == "dbos")


def services_never_commit(one: Module) -> Iterator[Finding]:
    """The unit of work that called the service commits, so that services compose."""
    if one.package != "services":
        return
    for line, called in _calls(one.tree):
        if called.rpartition(".")[2] in {"commit", "rollback", "begin", "begin_nested"} and "." in called:
            yield line, f"calls {called}(); services never commit, their unit does"


def pack_code_sees_only_the_sdk(one: Module) -> Iterator[Finding]:
    """Of Tocsin, a pack's code imports connectors.sdk and its own modules; import-linter does not see folders without __init__.py."""
    if one.package != "packs":
        return
    own = f"tocsin.packs.{one.path.split('/')[1]}"
    for node in ast.walk(one.tree):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            yield node.lineno, "imports relatively; write the whole name"
    for line, name in _imported(one.tree):
        is_own = name == own or name.startswith(f"{own}.")
        allowed = is_own or name in {"tocsin.connectors.sdk", "tocsin.connectors"} or name.startswith("tocsin.connectors.sdk.")
        if name.split(".")[0] == "tocsin" and not allowed:
            yield line, f"imports {name}; a pack sees tocsin.connectors.sdk and nothing else"
        elif name == "tocsin.connectors" and "tocsin.connectors.sdk" not in {other for _, other in _imported(one.tree)}:
            yield line, "imports tocsin.connectors; a pack sees tocsin.connectors.sdk and nothing else"


def types_are_told_not_asserted(one: Module) -> Iterator[Finding]:
    """No `Any` in a signature, no `cast`, and every `type: ignore` has its code and a reason."""
    for node in ast.walk(one.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for annotation in _annotations(node):
                if any(isinstance(part, ast.Name) and part.id == "Any" for part in ast.walk(annotation)):
                    yield node.lineno, f"{node.name} has Any in its signature; name the type, or object"
    for line, called in _calls(one.tree):
        if called in {"cast", "typing.cast"}:
            yield line, "casts; parse the value, or narrow it with isinstance"
    for number, text in enumerate(one.text.splitlines(), start=1):
        ignored = TYPE_IGNORE.search(text)
        if ignored and not (ignored["code"] and ignored["reason"]):
            yield number, "ignores a type error without its code and a reason: # type: ignore[code]  # why"


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    yield from (argument.annotation for argument in arguments if argument is not None and argument.annotation is not None)
    if node.returns is not None:
        yield node.returns


def names_are_the_trades_words(one: Module) -> Iterator[Finding]:
    """No class ends in Manager, Helper, Util, Data or Info."""
    for node in ast.walk(one.tree):
        if isinstance(node, ast.ClassDef) and EMPTY_WORDS.search(node.name):
            yield node.lineno, f"class {node.name} says nothing with its last word; name the noun"


RULES: tuple[Rule, ...] = (
    pure_code_takes_time_ids_and_chance_as_arguments,
    broad_excepts_stand_at_the_edges_with_a_reason,
    only_the_command_line_prints,
    modules_hold_no_mutable_state,
    sql_lives_in_the_store,
    only_dispatch_knows_the_queue,
    services_never_commit,
    pack_code_sees_only_the_sdk,
    types_are_told_not_asserted,
    names_are_the_trades_words,
)
