"""What the service would make of records, with no Kafka and no SciCat: for `map`, `check`, and before a reload."""
