"""Shipped fakes and samples: a SciCat stand-in, an embedded Kafka, and events to try them with."""
