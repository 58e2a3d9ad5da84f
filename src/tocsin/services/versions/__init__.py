"""Versions of playbooks: proven, saved, reviewed, published, rolled back, and released together from a folder or repository."""
