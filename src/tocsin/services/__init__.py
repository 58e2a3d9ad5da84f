"""Use cases: a verb a function; authorise first, audit last, never commit."""
