"""The SMTP server of the demo, for tests."""

from tocsin.cli.demo.mailserver import Mail, SmtpSink

__all__ = ["Mail", "SmtpSink"]
