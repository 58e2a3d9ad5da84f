"""The packs that ship with Tocsin, one folder a product."""
