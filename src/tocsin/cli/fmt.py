"""`tocsin fmt`: playbooks in their canonical form."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.replacing import replace
from tocsin.cli.say import BAD_INPUT, FAILED, complain, put, shown, warn

if TYPE_CHECKING:
    from rich.console import Console

    from tocsin.cli.playbook_files import Source

STDIN = "-"


def fmt(
    paths: Annotated[list[str], typer.Argument(help="Playbooks, or folders of them; - reads stdin and writes stdout.", metavar="PATH...")],
    check: Annotated[bool, typer.Option("--check", help="Write nothing; list the files that would change.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")] = False,
) -> None:
    """Format playbooks in place; comments and meaning are kept. With --check the exit code is 1 when a file would change."""
    if STDIN in paths:
        _from_stdin(paths, check=check, diff=diff)
        return
    changed, wrong, sources = 0, 0, _sources(paths)
    for source in sources:
        file, formatted = source.file, _formatted(source)
        if formatted is None:
            wrong += 1
            continue
        before, after = formatted
        if before == after:
            continue
        changed += 1
        if diff:
            _show_diff(before, after, str(file))
        elif check:
            put(shown(f"would change {file}"))
        else:
            replace(file, after.encode())
            put(shown(f"changed {file}"))
    _sum_up(len(sources), changed, wrong, is_dry=check or diff)
    if wrong:
        raise typer.Exit(BAD_INPUT)
    if changed and check:
        raise typer.Exit(FAILED)


def _sum_up(files: int, changed: int, wrong: int, *, is_dry: bool) -> None:
    verb = "would change" if is_dry else "changed"
    refused = f", {wrong} cannot be read" if wrong else ""
    warn(f"{files} playbook{'' if files == 1 else 's'}: {changed} {verb}, {files - changed - wrong} unchanged{refused}.")


def _sources(paths: list[str]) -> "list[Source]":
    """Read the playbooks; rehearsals have a form of their own and are left alone."""
    from tocsin.cli.playbook_files import read_places

    return [source for source in read_places([Path(path) for path in paths]) if not source.is_rehearsal]


def _from_stdin(paths: list[str], *, check: bool, diff: bool) -> None:
    from tocsin.core.errors import Invalid
    from tocsin.playbook.format import format_playbook

    if len(paths) > 1:
        raise Invalid("- stands alone.", hint="Name files, or - for stdin.")
    before = _decoded(sys.stdin.buffer.read(), "stdin")
    after = format_playbook(before)
    if diff:
        _show_diff(before, after, "stdin")
    elif check:
        if before != after:
            put("would change stdin")
    else:
        sys.stdout.write(after)
        sys.stdout.flush()
    if check and before != after:
        raise typer.Exit(FAILED)


def _formatted(source: "Source") -> tuple[str, str] | None:
    """Return a file's text and its canonical form; None after saying why it has none."""
    from tocsin.core.errors import Invalid
    from tocsin.playbook.format import format_playbook

    try:
        if source.problem:
            raise Invalid(f"It cannot be read: {source.problem}.")
        before = _decoded(source.text, "the file")
        return before, format_playbook(before)
    except Invalid as error:
        complain(Invalid(f"{source.file}: {error.message}", hint=error.hint))
        return None


def _decoded(source: bytes, name: str) -> str:
    from tocsin.core.errors import Invalid

    try:
        return source.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid(f"The text of {name} is not UTF-8.", hint="Save it as UTF-8.") from None


def _show_diff(before: str, after: str, name: str) -> None:
    from difflib import unified_diff

    console = _console()
    for line in unified_diff(before.splitlines(), after.splitlines(), f"{name} (as it is)", f"{name} (formatted)", lineterm=""):
        style = "bold" if line.startswith(("+++", "---")) else {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        console.print(shown(line), style=style, soft_wrap=True)


def _console() -> "Console":
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)
