"""Reads acquisition-complete events from Kafka and records them in SciCat, losing nothing."""

__version__ = "0.1.0"
