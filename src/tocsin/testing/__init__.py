"""The kit for tests of Tocsin, packs and playbooks: fake clock, memory journal, pack runner."""
