"""What every page's frame needs: theme, navigation, icons, and safe Markdown."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django import template
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

register = template.Library()

THEMES = ("light", "dark", "system")
_SPRITE = "vendor/bootstrap-icons-1.13.2/sprite.svg"


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A symbol of the icon sprite; decorative unless it gets a label."""
    href = f"{static(_SPRITE)}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, href
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', href)


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """The chosen theme: light, dark or system (the default, and for anything unknown)."""
    chosen = _cookie(context).partition("-")[0]
    return chosen if chosen in THEMES else "system"


@register.simple_tag(takes_context=True)
def shown_theme(context: template.Context) -> str:
    """light or dark: what to render, so that nothing flashes. `system-dark` is written by theme.js."""
    return "dark" if _cookie(context) in ("dark", "system-dark") else "light"


def _cookie(context: template.Context) -> str:
    request = context.get("request")
    return request.COOKIES.get("agentgym_theme", "") if isinstance(request, HttpRequest) else ""


@register.inclusion_tag("partials/_nav_item.html", takes_context=True)
def nav_item(context: template.Context, name: str, label: str, icon_name: str) -> dict[str, Any]:
    """One entry of the navigation, marked when the page lies below its address."""
    url = reverse(name)
    request = context.get("request")
    path = request.path if isinstance(request, HttpRequest) else ""
    active = path == url if url == "/" else path.startswith(url)
    return {"url": url, "label": label, "icon_name": icon_name, "active": active}


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    # `js-default` leaves raw HTML escaped and refuses javascript: links; pictures would be loaded from elsewhere.
    return MarkdownIt("js-default").disable("image")


@register.filter
def markdown(text: str) -> SafeString:
    """Markdown as HTML; HTML inside it is shown, not run."""
    html: str = _markdown().render(text or "")
    return SafeString(html)  # escaped by the renderer
