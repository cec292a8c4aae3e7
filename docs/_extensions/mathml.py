"""Equations as MathML, which browsers draw themselves: the site needs no script and no other server."""

import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

_BAR = re.compile(r"<mover[^>]*>(.*?)<mo[^>]*>[ˉ_]</mo>\s*</mover>", re.DOTALL)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(_drawn(node, as_block=False))
    raise nodes.SkipNode


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    opening = translator.starttag(node, "div", CLASS="equation", tabindex="0")
    translator.body.append(f"{opening}{_drawn(node, as_block=True)}</div>")
    raise nodes.SkipNode


def _drawn(node: nodes.Node, *, as_block: bool) -> str:
    """MathML, with bars as overlines: as accents they touch the letter where no mathematical font is installed."""
    found: str = tex2mathml(node.astext(), as_block=as_block)
    return _BAR.sub(r"<mover>\1<mo>&#x203E;</mo></mover>", found)
