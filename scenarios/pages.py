"""How every page is answered: a whole page, or only the fragment that htmx asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails

PER_PAGE = 25
Row = TypeVar("Row", bound=Model)


class UserRequest(HttpRequest):
    """A request of somebody who is logged in."""

    user: User
    htmx: HtmxDetails


def wants_fragment(request: UserRequest) -> bool:
    """Whether htmx asked for a part of the page: not by a boosted link, not to restore the browser's history."""
    htmx = request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render_page(
    request: UserRequest, page: str, fragment: str, context: Mapping[str, Any]
) -> HttpResponse:
    """The page, or its fragment. `Vary` keeps caches from mixing up the two."""
    response = render(request, fragment if wants_fragment(request) else page, dict(context))
    patch_vary_headers(response, ["HX-Request"])
    return response


def page_of(request: HttpRequest, rows: QuerySet[Row], per_page: int = PER_PAGE) -> Page[Row]:
    """The asked-for page of rows; a page that does not exist becomes the nearest one that does."""
    number = request.GET.get("page", "1")
    return Paginator(rows, per_page).get_page(number if number.isascii() else 1)
