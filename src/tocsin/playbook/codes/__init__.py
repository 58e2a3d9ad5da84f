"""Every diagnostic code of the playbook language: what it says, why, and an example of it and of how to do it right."""

from tocsin.playbook.codes import branches, clarity, constructs, flow, hazards, names, safety, style, syntax, typing
from tocsin.playbook.codes.code import Code, playbook_of

_FAMILIES = (syntax, names, typing, flow, branches, safety, hazards, style, clarity, constructs)

ALL: tuple[Code, ...] = tuple(sorted((code for family in _FAMILIES for code in family.ALL), key=lambda code: code.id))

__all__ = ["ALL", "Code", "playbook_of"]
