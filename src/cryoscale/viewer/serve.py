"""The server of the page: on this machine's loopback only."""

from collections.abc import Callable, Sequence
from functools import partial

from bokeh.application import Application
from bokeh.application.handlers import FunctionHandler
from bokeh.server.server import BaseServer
from bokeh.server.tornado import BokehTornado
from bokeh.server.util import bind_sockets
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop

from cryoscale.errors import InputError
from cryoscale.viewer.page import build_page
from cryoscale.viewer.saving import SaveHandler
from cryoscale.viewer.source import Source

LOOPBACK = "127.0.0.1"


def serve_page(sources: Sequence[Source], *, port: int = 0, on_ready: Callable[[str], object]) -> None:
    """Serve the page of some stores until the process is interrupted.

    Parameters
    ----------
    sources : sequence of Source
        From `open_source`.
    port : int
        0 for one that is free.
    on_ready : callable
        Given the address once the page can be opened.

    Raises
    ------
    InputError
        If the port is taken.
    """
    try:
        sockets, port = bind_sockets(LOOPBACK, port)
    except (OSError, OverflowError) as error:
        raise InputError(f"--port {port}: cannot be used ({error}). Leave it out to get a free one.") from None
    hosts = [f"{name}:{port}" for name in (LOOPBACK, "localhost")]
    pages = Application(FunctionHandler(partial(build_page, sources=sources)))
    save = (r"/save/([a-z.]+)", SaveHandler, {"sources": sources, "hosts": hosts})
    tornado = BokehTornado({"/": pages}, extra_patterns=[save], extra_websocket_origins=hosts)
    http = HTTPServer(tornado)
    http.add_sockets(sockets)
    server = BaseServer(IOLoop.current(), tornado, http)
    server.start()
    server.io_loop.add_callback(on_ready, f"http://{LOOPBACK}:{port}/")
    try:
        server.io_loop.start()
    except KeyboardInterrupt:
        server.stop()
