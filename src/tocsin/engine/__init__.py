"""The engine: events, state and decide are pure; the driver is the only loop."""
