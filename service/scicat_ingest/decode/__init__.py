"""From a record's bytes to an acquisition event (pure)."""
