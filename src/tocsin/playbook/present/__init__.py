"""Show diagnostics to people and to machines: text for a terminal, JSON, SARIF, and the commands of a CI run."""

from tocsin.playbook.present.json import as_json
from tocsin.playbook.present.reviewed import Reviewed, severity
from tocsin.playbook.present.text import render

__all__ = ["Reviewed", "as_json", "render", "severity"]
