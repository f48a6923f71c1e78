"""NeXus and HDF5 files: values for mapping files, read in processes that may hang or crash."""

from scicat_ingest.storage.nexus.opening import open_values
from scicat_ingest.storage.nexus.process import in_reader_process

__all__ = ["in_reader_process", "open_values"]
