"""Tocsin: Security Orchestration, Automation and Response."""

__version__ = "0.1.0"
