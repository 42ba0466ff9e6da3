# SPDX-License-Identifier: Apache-2.0
"""Jinja 2 as Transformers sets it up for chat templates, with a fixed date. Versions: see requirements.txt (jinja2 3.1.6)."""
import datetime

import jinja2
from transformers.utils.chat_template_utils import _cached_compile_jinja_template

NOW = datetime.datetime(2024, 7, 26, tzinfo=datetime.timezone.utc)


def compiled(source):
    template = _cached_compile_jinja_template(source)
    template.globals["strftime_now"] = lambda text: NOW.strftime(text)
    return template


def render(source, values):
    """The text, or None where Jinja 2 refuses."""
    try:
        return compiled(source).render(**values)
    except (MemoryError, KeyboardInterrupt):
        raise
    except BaseException:
        return None


def render_with_spans(source, values):
    """The text and what generation blocks wrote, as Transformers marks it; None where Jinja 2 refuses."""
    try:
        template = compiled(source)
        blocks, spans = [], []
        with template.environment.activate_tracker(blocks, spans):
            for block in template.generate(**values):
                blocks.append(block)
        return "".join(blocks), [list(span) for span in spans]
    except BaseException:
        return None


def why(source, values):
    try:
        compiled(source).render(**values)
        return None
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


__all__ = ["compiled", "render", "render_with_spans", "why", "jinja2"]
