"""Backtests: a playbook played over stored alerts, against what really happened or another version. Nothing is ever sent."""
