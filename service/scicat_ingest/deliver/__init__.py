"""From steps to documents in SciCat: each exactly once, whatever it answers."""
