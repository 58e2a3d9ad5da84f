"""Every diagnostic code of the playbook language: what it says, why, and an example of it and of how to do it right."""

from tocsin.playbook.codes import constructs, flow, names, safety, style, syntax
from tocsin.playbook.codes.code import Code, playbook_of

_FAMILIES = (syntax.ALL, names.ALL, flow.ALL, safety.ALL, style.ALL, constructs.ALL)
ALL: tuple[Code, ...] = tuple(sorted((code for family in _FAMILIES for code in family), key=lambda code: code.id))

__all__ = ["ALL", "Code", "playbook_of"]
