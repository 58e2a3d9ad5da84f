"""Write a playbook in its canonical form: every comment and the meaning are kept, and doing it twice changes nothing more."""

from tocsin.playbook.format.formatting import FormatLost, format_playbook

__all__ = ["FormatLost", "format_playbook"]
