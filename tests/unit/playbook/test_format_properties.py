"""Formatting keeps the meaning and every comment of whatever layout an author may choose, and is done after one time."""

import json
import re
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.core.values import Json
from tocsin.playbook.findings import Findings
from tocsin.playbook.format import format_playbook
from tocsin.playbook.parsing.playbook import parse
from tocsin.playbook.parsing.values import plain
from tocsin.playbook.planning import plan_of
from tocsin.playbook.source import load

PLAYBOOK = Path(__file__).parents[2] / "golden" / "playbook" / "phishing-triage.yaml"
NEVER_FLOW = ("steps", "then")
COMMENT = re.compile(r"#c[0-9]+x")
RECORDS = ({"schema"}, {"action"}, {"if", "then"}, {"set"}, {"ask"}, {"for_each"}, {"call"}, {"wait"}, {"switch"}, {"stop"}, {"parallel"})

PLAIN = st.text() | st.integers(-(10**9), 10**9) | st.booleans() | st.none()
KEYS = st.text(min_size=1, max_size=9)
VALUES = st.recursive(PLAIN, lambda one: st.lists(one, max_size=3) | st.dictionaries(KEYS, one, max_size=3), max_leaves=9)


def _value() -> Json:
    findings = Findings()
    node = load(PLAYBOOK.read_text("utf-8"), file="", findings=findings)
    assert node is not None
    return plain(node, findings)


class Author:
    """Writes a value as YAML, every choice drawn: indentation, brackets, quotes, order, comments, empty lines."""

    def __init__(self, seed: int) -> None:
        self.random, self.count = Random(seed), 0

    def chance(self, part: float) -> bool:
        return self.random.random() < part

    def comment(self) -> str:
        self.count += 1
        return f"#c{self.count}x: [{{' a"

    def text(self, value: Json, *, flow: bool) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        may_be_plain = not flow and re.fullmatch(r"[a-z$][\w ${}'|.>=,()-]*", value) and ": " not in value and value == value.strip()
        choices = [json.dumps(value, ensure_ascii=False)]
        choices += ["'" + value.replace("'", "''") + "'"] * ("\n" not in value)
        choices += [value] * bool(may_be_plain and not re.fullmatch(r"true|false|null|[0-9.e]+", value))
        return self.random.choice(choices)

    def flow(self, value: Json) -> str:
        space = self.random.choice(["", " "])
        if isinstance(value, dict):
            return "{" + space + ", ".join(f"{key}: {self.flow(one)}" for key, one in value.items()) + space + "}"
        if isinstance(value, list):
            return "[" + space + ", ".join(map(self.flow, value)) + space + "]"
        return self.text(value, flow=True)

    def broken_flow(self, value: Json, indent: int) -> list[str]:
        """Write a value in brackets over several lines, with comments inside."""
        margin = " " * (indent + self.random.randint(1, 4))
        parts = [f"{key}: {self.flow(one)}" for key, one in value.items()] if isinstance(value, dict) else []
        parts = parts or [self.flow(one) for one in value if isinstance(value, list)]
        opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
        lines = [opening + self.beside()]
        for part in parts:
            lines += [*self.above(len(margin)), margin + part + "," + self.beside()]
        return [*lines, *self.above(len(margin)), " " * indent + closing + self.beside()]

    def beside(self) -> str:
        return f"  {self.comment()}" if self.chance(0.15) else ""

    def above(self, indent: int) -> list[str]:
        lines = [""] * self.random.choice([0, 0, 0, 1, 2])
        if self.chance(0.2):
            lines += [
                " " * max(0, indent + self.random.choice([0, 0, 0, 2, -2])) + self.comment() for _ in range(self.random.randint(1, 2))
            ]
            lines += [""] * self.random.choice([0, 0, 1])
        return lines

    def valued(self, start: str, value: Json, indent: int) -> list[str]:
        if isinstance(value, dict | list) and value:
            way = self.random.random()
            if way < 0.25:
                return [f"{start} {self.flow(value)}{self.beside()}"]
            if way < 0.4:
                first, *rest = self.broken_flow(value, indent + 1)
                return [f"{start} {first}", *rest]
            deeper = indent + self.random.randint(1, 5)
            if isinstance(value, list) and start.endswith(":") and self.chance(0.3):
                deeper = indent
            return [start + self.beside(), *self.block(value, deeper)]
        if isinstance(value, str) and self.chance(0.3) and value.strip() == value and "\n" not in value and value:
            mark = self.random.choice(["|-", ">-"])
            return [f"{start} {mark}{self.beside()}", " " * (indent + self.random.randint(4, 6)) + value]
        return [f"{start} {self.text(value, flow=False)}{self.beside()}"]

    def block(self, value: Json, indent: int) -> list[str]:
        margin, lines = " " * indent, []
        if isinstance(value, dict):
            keys = list(value)
            if any(record <= value.keys() for record in RECORDS):
                self.random.shuffle(keys)
            for key in keys:
                lines += [*self.above(indent), *self.valued(f"{margin}{key}:", value[key], indent)]
        elif isinstance(value, list):
            for item in value:
                lines += self.above(indent)
                if isinstance(item, dict | list) and item and self.chance(0.7):
                    inner = self.block(item, indent + 2)
                    while not inner[0].strip() or inner[0].lstrip().startswith("#"):
                        inner = inner[1:]
                    lines += [f"{margin}- {inner[0][indent + 2 :]}", *inner[1:]]
                else:
                    lines += self.valued(f"{margin}-", item, indent)
        return [*lines, *self.above(indent)]


def _plan(text: str) -> str:
    findings = Findings()
    node = load(text, file="", findings=findings)
    playbook = None if node is None else parse(node, file="", findings=findings)
    assert playbook is not None
    assert not findings.has_errors, findings.sorted()
    return re.sub(r"line=\d+", "", repr(plan_of(playbook, "", pins={})))


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))  # one number, so that a failure is not shrunk for minutes
def test_meaning_and_comments_of_any_layout_are_kept_and_once_is_enough(seed: int) -> None:
    text = "\n".join(Author(seed).block(_value(), 0)) + "\n"
    assert _plan(text) == _plan(PLAYBOOK.read_text("utf-8"))
    written = format_playbook(text)
    assert _plan(written) == _plan(PLAYBOOK.read_text("utf-8"))
    assert sorted(COMMENT.findall(written)) == sorted(COMMENT.findall(text))
    assert format_playbook(written) == written


@settings(max_examples=200)
@given(value=VALUES)
def test_any_value_is_written_so_that_it_is_read_again(value: Json) -> None:
    findings = Findings()
    text = f"schema: tocsin/playbook@1\nsteps: {json.dumps(value)}\n"
    before = load(text, file="", findings=findings)
    if before is None or findings.has_errors:
        return
    written = format_playbook(text)
    after = load(written, file="", findings=findings)
    assert after is not None
    assert plain(after, findings) == plain(before, findings)
    assert format_playbook(written) == written


@settings(max_examples=200)
@given(text=st.text(alphabet="ab \t\n:#'-", max_size=30), mark=st.sampled_from(["|", ">"]), chomp=st.sampled_from(["", "-", "+"]))
def test_texts_in_blocks_are_kept(text: str, mark: str, chomp: str) -> None:
    findings = Findings()
    body = "\n".join(f"      {line}" if line else "" for line in text.split("\n"))
    source = f"schema: tocsin/playbook@1\nsteps:\n  - set:\n     a: {mark}4{chomp}\n{body}\n     b: 1\noutputs: {{}}\n".replace(
        "|4", "|1"
    ).replace(">4", ">1")
    before = load(source, file="", findings=findings)
    if before is None or findings.has_errors:
        return
    written = format_playbook(source)
    after = load(written, file="", findings=findings)
    assert after is not None
    assert plain(after, findings) == plain(before, findings)
    assert format_playbook(written) == written
