"""The tree keeps the house rules, and each rule sees the mistake that it is for."""

import pytest

import house_rules
from house_rules import RULES, Rule, broken, module

TREE = house_rules.modules()

# rule -> (file, text that breaks it), (file, the nearest text that keeps it)
EXAMPLES = {
    "pure_code_takes_time_ids_and_chance_as_arguments": (
        [
            ("core/x.py", "from datetime import datetime\nnow = datetime.now()\n"),
            ("engine/x.py", "import datetime as d\ntoday = d.date.today()\n"),
            ("playbook/x.py", "from os import environ\n"),
            ("playbook/checks/x.py", "import uuid\n"),
        ],
        [
            ("core/x.py", "from datetime import datetime\ndef f(now: datetime) -> str: return now.isoformat()\n"),
            ("store/x.py", "import time\n"),
        ],
    ),
    "broad_excepts_stand_at_the_edges_with_a_reason": (
        [
            ("services/x.py", "try: pass\nexcept Exception: pass  # why\n"),
            ("core/x.py", "try: pass\nexcept (ValueError, BaseException): pass\n"),
            ("store/x.py", "try: pass\nexcept: pass\n"),
            ("engine/driver.py", "try: pass\n\nexcept Exception:\n    pass\n"),
            ("store/x.py", "from contextlib import suppress\nwith suppress(Exception): pass\n"),
        ],
        [
            ("engine/driver.py", "try: pass\nexcept Exception:  # a run must not take the others down\n    pass\n"),
            ("services/x.py", "try: pass\nexcept ValueError: pass\n"),
            ("store/x.py", "try: pass\nexcept BaseException:\n    f.close()\n    raise\n"),
        ],
    ),
    "only_the_command_line_prints": ([("api/x.py", "print(1)\n")], [("cli/x.py", "print(1)\n")]),
    "modules_hold_no_mutable_state": (
        [("api/x.py", "cache = {}\n"), ("api/x.py", "_seen: set[str] = set()\n"), ("api/x.py", "def f():\n    global n\n    n = 1\n")],
        [("api/x.py", "COLOURS = {'red': 1}\n__all__ = ['x']\ndef f():\n    cache = {}\n    return cache\n")],
    ),
    "sql_lives_in_the_store": (
        [
            ("services/x.py", "from sqlalchemy import select\n"),
            ("api/x.py", "import sqlalchemy.orm\n"),
            ("testing/x.py", "import alembic\n"),
        ],
        [("store/x.py", "from sqlalchemy import select\n"), ("wiring.py", "import sqlalchemy\n")],
    ),
    "only_dispatch_knows_the_queue": (
        [("store/x.py", "from dbos import DBOS\n"), ("store/units.py", "def f():\n    import dbos\n")],
        [("store/dispatch.py", "from dbos import DBOS\n")],
    ),
    "services_never_commit": (
        [("services/x.py", "def f(tx): tx.commit()\n"), ("services/x.py", "def f(tx): tx.connection.rollback()\n")],
        [("services/x.py", "def f(tx): tx.cases.add()\n"), ("store/x.py", "def f(tx): tx.commit()\n")],
    ),
    "pack_code_sees_only_the_sdk": (
        [
            ("packs/a/code.py", "from tocsin.core.errors import Invalid\n"),
            ("packs/a/code.py", "import tocsin.packs.b.code\n"),
            ("packs/a/code.py", "from tocsin.connectors import runtime\n"),
            ("packs/a/code.py", "from .other import x\n"),
        ],
        [
            ("packs/a/code.py", "from tocsin.connectors.sdk import Context\nimport httpx\n"),
            ("packs/a/code.py", "from tocsin.connectors import sdk\n"),
        ],
    ),
    "types_are_told_not_asserted": (
        [
            ("api/x.py", "from typing import Any\ndef f(x: dict[str, Any]) -> None: ...\n"),
            ("api/x.py", "from typing import Any\nasync def f() -> Any: ...\n"),
            ("api/x.py", "from typing import cast\nx = cast(int, y)\n"),
            ("api/x.py", "x = f()  # type: ignore\n"),
            ("api/x.py", "x = f()  # type: ignore[arg-type]\n"),
        ],
        [("api/x.py", "x = f()  # type: ignore[arg-type]  # the stub is wrong\n"), ("api/x.py", "def f(x: object) -> int: ...\n")],
    ),
    "names_are_the_trades_words": ([("api/x.py", "class RunManager: ...\n")], [("api/x.py", "class InformationRequest: ...\n")]),
}


def _named(name: str) -> Rule:
    return next(rule for rule in RULES if rule.__name__ == name)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_tree_keeps_the_rule(rule: Rule) -> None:
    assert broken(rule, TREE) == [], rule.__doc__


@pytest.mark.parametrize(("name", "path", "text"), [(name, *bad) for name, (bads, _) in EXAMPLES.items() for bad in bads])
def test_rule_sees_its_mistake(name: str, path: str, text: str) -> None:
    assert broken(_named(name), [module(path, text)])


@pytest.mark.parametrize(("name", "path", "text"), [(name, *good) for name, (_, goods) in EXAMPLES.items() for good in goods])
def test_rule_lets_the_right_way_pass(name: str, path: str, text: str) -> None:
    assert broken(_named(name), [module(path, text)]) == []


def test_every_rule_has_examples() -> None:
    assert {rule.__name__ for rule in RULES} == set(EXAMPLES)
