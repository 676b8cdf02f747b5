"""The worlds: deterministic models, arrays and events in, measurements out."""
