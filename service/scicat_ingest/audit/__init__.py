"""What became of every acquisition of a time: seen, ingested, dead-lettered, open, missing. From the topics alone."""
