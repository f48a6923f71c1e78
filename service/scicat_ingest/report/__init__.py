"""From outcomes to Kafka: what was ingested, and what could not be."""
