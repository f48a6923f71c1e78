"""From an acquisition event to what goes into the catalogue (pure)."""
