"""Traffic Light Protocol 2.0."""

from enum import StrEnum


class Tlp(StrEnum):
    """Who may see it."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"
