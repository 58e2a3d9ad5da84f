"""The runtime of packs."""
