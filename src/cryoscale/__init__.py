"""Permafrost products from satellite stacks and field tables, chunk by chunk."""

__version__ = "0.1.0"
