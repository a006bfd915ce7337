"""Figures in documentation sites: a plugin of MkDocs, an extension of Sphinx. Without torch, from trace files."""
