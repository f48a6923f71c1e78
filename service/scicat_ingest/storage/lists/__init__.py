"""The files of events that do not carry them: a manifest, or what is found in the source folder."""
