"""The status of the service, as JSON (`/api/status`) and as a page for people (`/`)."""
