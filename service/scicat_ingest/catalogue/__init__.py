"""SciCat's own documents: what a dataset, its origdatablocks and its attachments may say, in v4 and v3 spelling."""
