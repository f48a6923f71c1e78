"""From a foreign document to an acquisition event, by a mapping file (pure: what is in files comes as an argument)."""
