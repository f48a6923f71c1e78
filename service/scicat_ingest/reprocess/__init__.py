"""Input records of the past once more: first what would be different in SciCat, then, if wanted, the writing."""
