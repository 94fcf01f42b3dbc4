# The failure server, the wire proxy, the live page of a process elsewhere, and the example service: one
# environment, a target each. compose.yaml brings them up together.
#
#   docker build --target failure-server --tag failure-server .
#   docker run --read-only --publish 127.0.0.1:8000:8000 failure-server

FROM python:3.13-slim-trixie AS build
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON_DOWNLOADS=never
RUN python -m pip install --no-cache-dir uv==0.13.9
WORKDIR /src
# What others have written changes seldom, and is a layer of its own.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-default-groups --no-install-project --extra server --extra prometheus --extra opentelemetry
COPY hatch_build.py README.md LICENSE ./
COPY client client
COPY server server
COPY resilient_http_client resilient_http_client
RUN uv sync --frozen --no-default-groups --no-editable --extra server --extra prometheus --extra opentelemetry

FROM python:3.13-slim-trixie AS runtime
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
# By number, so that whoever runs it can see that it is not root. It owns nothing and writes nothing.
USER 10001:10001
# All of them end by it in order, also as the first process, which has no handler but its own.
STOPSIGNAL SIGINT
ENTRYPOINT ["python", "-m"]

FROM runtime AS wire-proxy
# Its control API, at port 8002, listens inside the container alone.
EXPOSE 8001
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8002/health', timeout=2)"]
CMD ["server.main", "proxy", "--upstream", "failure-server:8000", "--host", "0.0.0.0", "--port", "8001", "--control-port", "8002"]

FROM runtime AS dashboard
EXPOSE 8700
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["python", "-c", "from socket import create_connection; create_connection(('127.0.0.1', 8700), 2)"]
# Give `--token` with a secret of your own: see compose.yaml.
CMD ["client", "dashboard", "--help"]

FROM runtime AS example
COPY examples examples
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/health/live', timeout=2)"]
CMD ["uvicorn", "examples.fastapi_app:app", "--host", "0.0.0.0", "--port", "8080"]

# The last is what `docker build .` makes.
FROM runtime AS failure-server
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["server.main", "serve", "--host", "0.0.0.0", "--port", "8000", "--allow-host", "failure-server", "--allow-host", "wire-proxy"]
