"""The HTTP side alone, for servers that speak WSGI. Pages work; live updates need `asgi`."""

from __future__ import annotations

from django.core.wsgi import get_wsgi_application

from agentgym_site.private_services import prepare_environment

prepare_environment()
application = get_wsgi_application()
