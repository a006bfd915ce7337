"""A generation side by side: what each pass multiplies in one attention, what it keeps."""
