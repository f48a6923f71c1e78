"""Metrics for Prometheus: what they are (`catalogue`), who counts (`recorder`), who looks (`gauges`)."""
