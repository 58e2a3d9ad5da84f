"""What a change to a playbook means: formatting, comments and the order of keys are no change."""

from tocsin.playbook.diff.change import Change, ChangeKind, Risk
from tocsin.playbook.diff.comparing import diff

__all__ = ["Change", "ChangeKind", "Risk", "diff"]
