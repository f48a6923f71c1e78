"""The whole engine on an in-memory Kafka and a clock of its own: hours of trouble in milliseconds, by seed."""
