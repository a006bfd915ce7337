"""A model as one rank of many holds it, by PyTorch's own engine in a group of processes that is only simulated."""
