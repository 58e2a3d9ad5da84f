"""What a person who writes a code step sees, in both tiers."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator

import pytest

from tocsin.core.errors import Invalid
from tocsin.core.values import JsonObject
from tocsin.playbook.plan import Runtime
from tocsin.sandbox.code import CodeCall, CodeRunner
from tocsin.sandbox.errors import CodeFailed, CodeTimeout, CodeTooLarge, CodeUnavailable
from tocsin.sandbox.monty import MontyPool
from tocsin.sandbox.python import PythonJail

BOTH = pytest.mark.parametrize("runtime", list(Runtime))


@pytest.fixture
async def runner() -> AsyncIterator[CodeRunner]:
    runner = CodeRunner()
    yield runner
    await runner.aclose()


def call(runner: CodeRunner, source: str, *, runtime: Runtime, inputs: JsonObject | None = None, timeout_s: float = 5.0) -> CodeCall:
    if why_not := runner.available(runtime):
        pytest.skip(why_not)
    return CodeCall(source, {} if inputs is None else inputs, runtime, timeout_s)


@BOTH
async def test_returns_what_the_source_returns(runner: CodeRunner, runtime: Runtime) -> None:
    source = "total = 0\nfor one in inputs['many']:\n\ttotal += one\nreturn {'total': total, 'text': inputs['text'], 'none': None}"
    inputs: JsonObject = {"many": [1, 2.5, -3], "text": "é '\" {inputs} ${{ x }} \n"}

    found = await runner.run(call(runner, source, runtime=runtime, inputs=inputs))

    assert found == {"total": 0.5, "text": inputs["text"], "none": None}


@BOTH
@pytest.mark.parametrize("source", ["", "pass", "# nothing", "'a text'", "x = 1\n"])
async def test_a_source_without_return_returns_null(runner: CodeRunner, runtime: Runtime, source: str) -> None:
    assert await runner.run(call(runner, source, runtime=runtime)) is None


@BOTH
@pytest.mark.parametrize("text", ['"""a\n  b\nc"""', "'''\r\n\r\n x'''", "f'''a\n{1 + 1}\n b'''", "('a'\n'b')", "'a\\\n b'"])
async def test_texts_of_several_lines_keep_their_content(runner: CodeRunner, runtime: Runtime, text: str) -> None:
    expected = eval(text.replace("\r\n", "\n"))

    assert await runner.run(call(runner, f"if True:\n  x = {text}\nreturn x", runtime=runtime)) == expected


@BOTH
@pytest.mark.parametrize(
    ("source", "line", "error"),
    [
        ("x = 1\n\nraise ValueError('no such host')", 3, "ValueError"),
        ("def f(x):\n    return 1 / x\n\nreturn f(0)", 2, "ZeroDivisionError"),
        ("text = '''\n\n'''\nreturn inputs['absent']", 4, "KeyError"),
        ("x = 1\ny = (1,\nz = 2", 2, "SyntaxError"),
        ("x = 1\n return x", 2, "IndentationError"),
        ("import subprocess_of_no_one", 1, "ModuleNotFoundError"),
    ],
)
async def test_an_error_names_the_line_of_the_source(runner: CodeRunner, runtime: Runtime, source: str, line: int, error: str) -> None:
    with pytest.raises(CodeFailed) as caught:
        await runner.run(call(runner, source, runtime=runtime))

    assert (caught.value.line, caught.value.error) == (line, error)
    assert caught.value.message.startswith(f"Line {line} of the code raised {error}")
    assert caught.value.hint


@BOTH
async def test_inputs_are_values_and_never_source(runner: CodeRunner, runtime: Runtime) -> None:
    hostile = "'''\"\"\"\n    raise SystemExit\n'\\'); import os #"

    assert await runner.run(call(runner, "return inputs", runtime=runtime, inputs={"x": hostile, hostile: 1})) == {"x": hostile, hostile: 1}


@BOTH
async def test_what_was_printed_is_returned_beside_the_value(runner: CodeRunner, runtime: Runtime) -> None:
    answer = await runner.answer(call(runner, "print('one', 2)\nreturn 3", runtime=runtime))

    assert (answer.value, answer.printed) == (3, "one 2\n")


@BOTH
async def test_an_error_carries_what_was_printed_before(runner: CodeRunner, runtime: Runtime) -> None:
    with pytest.raises(CodeFailed) as caught:
        await runner.run(call(runner, "print('so far')\nreturn 1 / 0", runtime=runtime))

    assert caught.value.printed == "so far\n"


@BOTH
async def test_nothing_is_left_for_the_next_call(runner: CodeRunner, runtime: Runtime) -> None:
    await runner.run(call(runner, "global kept\nkept = 1\nreturn 1", runtime=runtime))

    with pytest.raises(CodeFailed, match="kept"):
        await runner.run(call(runner, "return kept", runtime=runtime))


@BOTH
async def test_calls_run_beside_each_other(runner: CodeRunner, runtime: Runtime) -> None:
    calls = [call(runner, "return inputs['n'] * 2", runtime=runtime, inputs={"n": n}) for n in range(12)]

    assert await asyncio.gather(*(runner.run(one) for one in calls)) == [n * 2 for n in range(12)]


@BOTH
async def test_a_call_that_hangs_does_not_hold_up_another(runner: CodeRunner, runtime: Runtime) -> None:
    await runner.run(call(runner, "return 1", runtime=runtime))
    hanging = asyncio.create_task(runner.run(call(runner, "while True: pass", runtime=runtime, timeout_s=3.0)))
    await asyncio.sleep(0)

    started = time.monotonic()
    assert await runner.run(call(runner, "return 2", runtime=runtime)) == 2
    assert time.monotonic() - started < 2.0
    with pytest.raises(CodeTimeout, match="within 3 s"):
        await hanging


async def test_a_warm_monty_call_takes_a_few_milliseconds_at_most(runner: CodeRunner) -> None:
    one = call(runner, "return inputs['x'] + 1", runtime=Runtime.MONTY, inputs={"x": 1})
    await runner.run(one)
    taken = []
    for _ in range(30):
        started = time.perf_counter()
        await runner.run(one)
        taken.append(time.perf_counter() - started)

    assert statistics.median(taken) < 0.02  # about 1 ms on an idle machine


async def test_monty_cannot_sleep_and_says_what_to_do(runner: CodeRunner) -> None:
    with pytest.raises(CodeFailed, match="put a wait step before it"):
        await runner.run(call(runner, "import time\ntime.sleep(60)", runtime=Runtime.MONTY))


@BOTH
@pytest.mark.parametrize(
    "limits",
    [(0.0, 256, 1000), (-1.0, 256, 1000), (float("nan"), 256, 1000), (9e9, 256, 1000), (1.0, 1, 1000), (1.0, 9**9, 1000), (1.0, 256, 0)],
)
async def test_limits_that_make_no_sense_are_refused(runner: CodeRunner, runtime: Runtime, limits: tuple[float, int, int]) -> None:
    with pytest.raises(Invalid) as caught:
        await runner.run(CodeCall("return 1", {}, runtime, *limits))

    assert caught.value.hint


async def test_inputs_over_the_limit_are_refused_before_anything_starts(runner: CodeRunner) -> None:
    with pytest.raises(CodeTooLarge):
        await runner.run(CodeCall("return 1", {"x": "x" * 9_000_000}, Runtime.PYTHON, 1.0))


async def test_inputs_that_are_not_json_are_refused(runner: CodeRunner) -> None:
    with pytest.raises(Invalid, match="not JSON"):
        await runner.run(CodeCall("return 1", {"x": float("nan")}, Runtime.MONTY, 1.0))


async def test_a_machine_without_bubblewrap_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    runner = CodeRunner()

    assert "install the package bubblewrap" in runner.available(Runtime.PYTHON)
    with pytest.raises(CodeUnavailable, match="install the package bubblewrap"):
        await runner.run(CodeCall("return 1", {}, Runtime.PYTHON, 1.0))


async def test_nothing_starts_before_the_first_call() -> None:
    pool = MontyPool()
    runner = CodeRunner(monty=pool, python=PythonJail())
    assert pool.pids == []

    await runner.run(call(runner, "return 1", runtime=Runtime.MONTY))
    assert len(pool.pids) == 1
    await runner.aclose()
    assert pool.pids == []
