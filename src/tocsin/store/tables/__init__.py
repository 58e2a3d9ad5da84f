"""The tables; `metadata` holds them all. Instants are microseconds since 1970, JSON is text."""

from tocsin.store.tables import alerts, asks, cases, delivery, lists, people, playbooks, runs, waits
from tocsin.store.tables.schema import metadata

__all__ = ["alerts", "asks", "cases", "delivery", "lists", "metadata", "people", "playbooks", "runs", "waits"]
