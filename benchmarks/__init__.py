"""Benchmarks: ratios against peers and against the physical floor, from one run on one machine (``make bench``)."""
