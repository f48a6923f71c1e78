"""Whether this set-up can ingest: real calls, step by step, each with what to ask for where it fails."""
