"""A page in the browser to look at stores: maps of any size, series of a pixel, sections along a line."""

from cryoscale.viewer.serve import serve_page
from cryoscale.viewer.source import Source, open_source

__all__ = ["Source", "open_source", "serve_page"]
