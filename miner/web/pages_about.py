"""How to read the pages, and who curates."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from miner.web.links import is_local
from miner.web.site import Site


def about(site: Site, request: Request) -> Response:
    """Tell what marks, levels, verdicts and keys mean, and where the API is."""
    with site.reading() as store:
        return site.page(request, "about.html.j2", title="How to read", here="about", store=store)


def curator(site: Site, request: Request) -> Response:
    """Ask who curates."""
    back = request.query_params.get("next", "/")
    with site.reading() as store:
        return site.page(request, "curator.html.j2", title="Who curates", here="", store=store, next=back if is_local(back) else "/")
