"""Kafka in: records, from the first one that is not done."""
