"""The products: one file each, with its configuration and the way from inputs to outputs, readable top to bottom."""
