"""What joins the steps: records in, outcomes out, offsets closed."""
