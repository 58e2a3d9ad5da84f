"""The JSON Schema of the language (draft 2020-12), with which an editor completes and checks a playbook while it is written."""

from tocsin.playbook.editor_schema.whole import playbook_schema

__all__ = ["playbook_schema"]
