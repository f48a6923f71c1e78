"""Dead letters that people work with: listed, understood, replayed, purged."""
