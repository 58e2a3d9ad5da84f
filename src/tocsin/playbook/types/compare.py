"""What comparing values of two types can come out as."""

from enum import Enum

from tocsin.playbook.expr.grammar import NULL, Kind
from tocsin.playbook.types.lattice import Boolean, Number, Text, Type, kind_of, kinds_of, members_of


class Equality(Enum):
    """Whether two values can be equal. The last three say why they never are."""

    OPEN = "open"
    ALWAYS = "always"
    OTHER_KIND = "other kind"
    OTHER_OPTION = "other option"
    OTHER_VALUE = "other value"

    @property
    def is_never(self) -> bool:
        """Say whether the values can never be equal."""
        return self not in (Equality.OPEN, Equality.ALWAYS)


def equality(left: Type, right: Type) -> Equality:
    """Compare two types for equality. Null equals null only, and nobody is warned of asking for it."""
    ours, theirs = kinds_of(left), kinds_of(right)
    if ours is None or theirs is None:
        return Equality.OPEN
    common = ours & theirs
    if not common:
        return Equality.OPEN if NULL in (ours, theirs) else Equality.OTHER_KIND
    if len(common) > 1:
        return Equality.OPEN
    one, other = _of_kind(left, *common), _of_kind(right, *common)
    verdict = _equal(one, other)
    return verdict if verdict.is_never or len(ours | theirs) == 1 else Equality.OPEN


def _of_kind(type: Type, kind: Kind) -> Type:
    return next((one for one in members_of(type) if kind_of(one) is kind), type)


def _equal(left: Type, right: Type) -> Equality:
    match left, right:
        case Text(options=tuple() as ours), Text(options=tuple() as theirs):
            if not set(ours) & set(theirs):
                return Equality.OTHER_OPTION
            return Equality.ALWAYS if len(ours) == len(theirs) == 1 else Equality.OPEN
        case Number(), Number():
            if _is_below(left, right) or _is_below(right, left):
                return Equality.OTHER_VALUE
            return Equality.ALWAYS if left.low is not None and left.low == left.high == right.low == right.high else Equality.OPEN
        case Boolean(only=bool() as one), Boolean(only=bool() as other):
            return Equality.ALWAYS if one is other else Equality.OTHER_VALUE
        case _:
            return Equality.OPEN


def _is_below(left: Number, right: Number) -> bool:
    return left.high is not None and right.low is not None and left.high < right.low


def order(operator: str, left: Type, right: Type) -> bool | None:
    """Say whether a `<`, `<=`, `>` or `>=` between numbers always comes out the same; None if it does not."""
    if not isinstance(left, Number) or not isinstance(right, Number):
        return None
    if operator in (">", ">="):
        return order("<" if operator == ">" else "<=", right, left)
    never_low, always_high = (left.low, right.high), (left.high, right.low)
    if operator == "<":
        if always_high[0] is not None and always_high[1] is not None and always_high[0] < always_high[1]:
            return True
        return False if never_low[0] is not None and never_low[1] is not None and never_low[0] >= never_low[1] else None
    if always_high[0] is not None and always_high[1] is not None and always_high[0] <= always_high[1]:
        return True
    return False if never_low[0] is not None and never_low[1] is not None and never_low[0] > never_low[1] else None
