"""What a figure shows: rows and panels, before anything has a place."""
