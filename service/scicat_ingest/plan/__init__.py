"""From a catalogue entry to ordered, idempotent steps (pure)."""
