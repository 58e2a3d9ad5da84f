"""Rehearsals: runs on the real decider with canned answers and a clock of their own."""
