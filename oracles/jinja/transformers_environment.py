# SPDX-License-Identifier: Apache-2.0
"""Jinja 2 as Transformers sets it up for chat templates, with a fixed date. Versions: see requirements.txt (jinja2 3.1.6)."""
import contextlib
import datetime

import jinja2
from transformers.utils.chat_template_utils import _cached_compile_jinja_template

NOW = datetime.datetime(2024, 7, 26, tzinfo=datetime.timezone.utc)


def compiled(source):
    template = _cached_compile_jinja_template(source)
    template.globals["strftime_now"] = lambda text: NOW.strftime(text)
    return template


def utf16_units(text):
    """The length that JavaScript gives a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@contextlib.contextmanager
def tracked(env, blocks, spans, length):
    """Transformers' AssistantTracker with spans in a unit of ours."""
    tracker = next(extension for extension in env.extensions.values() if hasattr(extension, "_generation_support"))

    @jinja2.pass_eval_context
    def support(_context, caller):
        written = caller()
        start = length("".join(blocks))
        spans.append([start, start + length(written)])
        return written

    tracker._generation_support = support
    try:
        yield
    finally:
        del tracker._generation_support


def render(source, values):
    """The text, or None where Jinja 2 refuses."""
    try:
        return compiled(source).render(**values)
    except (MemoryError, KeyboardInterrupt):
        raise
    except BaseException:
        return None


def render_with_spans(source, values, length=len):
    """The text and what generation blocks wrote, as Transformers marks it; None where Jinja 2 refuses.
    `length` of a text: what spans count, characters unless told otherwise. A span may lie beyond the text."""
    try:
        template = compiled(source)
        blocks, spans = [], []
        with template.environment.activate_tracker(blocks, []), tracked(template.environment, blocks, spans, length):
            for block in template.generate(**values):
                blocks.append(block)
        return "".join(blocks), spans
    except BaseException:
        return None


def why(source, values):
    try:
        compiled(source).render(**values)
        return None
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


__all__ = ["compiled", "render", "render_with_spans", "utf16_units", "why", "jinja2"]
