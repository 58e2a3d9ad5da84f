"""PB6xx: each file is right by itself, and together they are not. The examples are several files, each below its name."""

from tocsin.core.diagnostics import Level
from tocsin.playbook.codes.code import Code

_STEPS = "steps:\n  - action: case.note\n    with: {text: seen}\n"


def _file(name: str, id: str, more: str = "") -> str:
    return f"# {name}\nschema: tocsin/playbook@1\nid: {id}\ntitle: An example\n{more}{_STEPS}"


UNREADABLE = Code(
    "PB601",
    "unreadable-file",
    Level.ERROR,
    "A file or folder that cannot be read",
    "What cannot be read is not checked, and a folder with a hole in it is not known to be right.",
    "# triage.yaml is a link that leads nowhere, or belongs to somebody else",
    _file("triage.yaml", "triage"),
)
DUPLICATE_PLAYBOOK = Code(
    "PB602",
    "duplicate-playbook",
    Level.ERROR,
    "Two files of one id",
    "The id names the playbook everywhere: in calls, in runs, in its history. Of two files with one id, one would replace the other.",
    _file("mail/triage.yaml", "triage") + "\n" + _file("network/triage.yaml", "triage"),
    _file("mail/mail-triage.yaml", "mail-triage") + "\n" + _file("network/network-triage.yaml", "network-triage"),
)
SHARED_HOOK = Code(
    "PB603",
    "shared-webhook",
    Level.WARNING,
    "One webhook that starts several playbooks",
    "Each call of the hook starts all of them. If that is meant, let one of them be started and call the others: then the order shows.",
    _file("triage.yaml", "triage", "triggers:\n  - webhook: reported-mail\n")
    + "\n"
    + _file("notify.yaml", "notify", "triggers:\n  - webhook: reported-mail\n"),
    _file("triage.yaml", "triage", "triggers:\n  - webhook: reported-mail\n") + "\n" + _file("notify.yaml", "notify"),
)
UNREHEARSED = Code(
    "PB604",
    "no-rehearsal",
    Level.INFO,
    "A playbook without a rehearsal",
    "Nothing shows that it does what it should before it runs. Said only with `--strict`.",
    _file("triage.yaml", "triage"),
    _file("triage.yaml", "triage")
    + "\n# triage.rehearsal.yaml\nschema: tocsin/rehearsal@1\ncases:\n  - name: A note is written\n    inputs: {}\n"
    + "    expect: {outcome: succeeded}\n",
)

ALL = (UNREADABLE, DUPLICATE_PLAYBOOK, SHARED_HOOK, UNREHEARSED)
