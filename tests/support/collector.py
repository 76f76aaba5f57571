"""A collector that keeps what it gets: OTLP over HTTP, read with OpenTelemetry's own messages."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collected:
    """Spans by name, figures by name, who sent them, and with which headers."""

    def __init__(self, status, location):
        self.status = status
        self.location = location
        self.url = ""
        self.spans = {}
        self.figures = {}
        self.resources = []
        self.headers = []
        self.paths = []

    def take(self, path, headers, body):
        self.headers.append(headers)
        self.paths.append(path)
        if path.endswith("/v1/traces"):
            message = ExportTraceServiceRequest.FromString(body)
            for group in message.resource_spans:
                self.resources.append(_values(group.resource.attributes))
                for scope in group.scope_spans:
                    self.spans |= {span.name: span for span in scope.spans}
        elif path.endswith("/v1/metrics"):
            message = ExportMetricsServiceRequest.FromString(body)
            for group in message.resource_metrics:
                for scope in group.scope_metrics:
                    self.figures |= {metric.name: metric for metric in scope.metrics}

    def wait_for(self, name, seconds=30):
        end = time.monotonic() + seconds
        while name not in self.spans:
            assert time.monotonic() < end, f"no span {name!r}; there are {sorted(self.spans)}"
            time.sleep(0.01)
        return self.spans[name]


def attributes_of(span):
    """A span's attributes as Python has them."""
    return _values(span.attributes)


def _values(pairs):
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)


@contextmanager
def collecting(status=200, location=""):
    """Listen on a port of this machine; answer everything with `status`."""
    collected = Collected(status, location)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            collected.take(self.path, dict(self.headers), body)
            self.send_response(collected.status)
            if collected.location:
                self.send_header("Location", collected.location + self.path)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    collected.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collected
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
