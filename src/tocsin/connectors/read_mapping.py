"""Read one file of `mappings/`."""

from tocsin.connectors.manifest import MappingSpec, ObservableRule, SeverityRule, TimeRule
from tocsin.connectors.nodes import Node
from tocsin.core.severity import Severity

_ALERT = (
    "title", "severity", "time", "category", "description", "product", "context", "observables", "extract", "identity",
)  # fmt: skip


def read_mapping(node: Node, *, name: str, file: str) -> MappingSpec:
    """Read a mapping; `name` is the file's, `file` is what messages call it."""
    top = node.members(known=("mapping", "when", "let", "alert"), required=("mapping", "alert"))
    if top.text("mapping", name) != name:
        top.need("mapping").report("PK208", f"The mapping's name differs from its file's, '{name}'.", hint="Make them the same.")
    when, let = top.get("when"), top.get("let")
    parts = (top.get("alert") or Node.nowhere({})).members(known=_ALERT, required=("title", "severity") if "alert" in top else ())
    severity, time = parts.get("severity"), parts.get("time")
    observables, extract, identity = parts.get("observables"), parts.get("extract"), parts.get("identity")
    lets = {} if let is None else let.entries()
    lines = {key: part.line for key in _ALERT if (part := parts.get(key)) is not None}
    lines |= {f"let {key}": part.line for key, part in lets.items()}
    if when is not None:
        lines["when"] = when.line
    return MappingSpec(
        name=name,
        file=file,
        lines=lines,
        title=(parts.get("title") or Node.nowhere("")).template(),
        severity=_severity(severity or Node.nowhere("unknown")),
        time=None if time is None else _time(time),
        when=None if when is None else when.condition(),
        let=tuple((key, part.template()) for key, part in lets.items()),
        category=parts.template("category"),
        description=parts.template("description"),
        product=parts.template("product"),
        context=parts.template("context"),
        observables=() if observables is None else tuple(_observable(item) for item in observables.items()),
        extract=() if extract is None else tuple(item.template() for item in extract.items()),
        identity=None if identity is None else identity.template(),
    )


def _severity(node: Node) -> SeverityRule:
    if not isinstance(node.value, dict):
        if isinstance(node.value, str) and "${{" not in node.value:
            node.choice(Severity)
        return SeverityRule(source=node.template())
    parts = node.members(known=("from", "map", "default"), required=("from", "map"))
    table, default = parts.get("map"), parts.get("default")
    return SeverityRule(
        source=parts.need("from").template(),
        table={} if table is None else {key: part.choice(Severity).value for key, part in table.entries().items()},
        default=None if default is None else default.choice(Severity).value,
    )


def _time(node: Node) -> TimeRule:
    if not isinstance(node.value, dict):
        return TimeRule(source=node.template())
    parts = node.members(known=("from", "format"), required=("from",))
    return TimeRule(source=parts.need("from").template(), format=parts.text("format"))


def _observable(node: Node) -> ObservableRule:
    parts = node.members(known=("type", "value", "if", "each", "as"), required=("type", "value"))
    condition, each = parts.get("if"), parts.get("each")
    return ObservableRule(
        type=parts.need("type").template(),
        value=parts.need("value").template(),
        condition=None if condition is None else condition.condition(),
        each=None if each is None else each.expression(),
        variable=parts.text("as", "item"),
    )
