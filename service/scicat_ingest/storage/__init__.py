"""What is read from the facility's file systems, and only below the roots of the event's source."""
