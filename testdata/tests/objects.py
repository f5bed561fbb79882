"""A store of objects in this process: as much of S3 as is read, of one bucket "data", which is HTTP with ranges, too. It looks at no
signature, but answers no key whose request is not signed by `key_id`, if that is set."""

from __future__ import annotations

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape


class Store:
    """Runs until `close`. `objects` are bytes by key; `requests` are (path, range) as they came; `fail(path, headers)` may give a status."""

    def __init__(self):
        self.objects: dict[str, bytes] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.fail = lambda path, headers: None
        self.key_id: str | None = None
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                store.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def s3(self, key: str, **options: str) -> str:
        """The address of what is at a key, or below it."""
        return f"s3://data/{quote(key)}?endpoint={quote(self.url, safe='')}" + "".join(f"&{n}={v}" for n, v in ({"anonymous": "true"} | options).items())

    def http(self, key: str, query: str = "") -> str:
        return f"{self.url}/data/{quote(key)}{query and '?' + query}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        at, wanted = urlsplit(request.path), request.headers.get("Range")
        path = unquote(at.path)
        self.requests.append((request.path, wanted))
        signed = re.search(r"Credential=(\w+)/", request.headers.get("Authorization", ""))
        status = self.fail(path, request.headers)
        if status:
            return self.refuse(request, status, "SlowDown" if status == 503 else "Failed")
        if self.key_id and (not signed or signed[1] != self.key_id):
            return self.refuse(request, 403, "InvalidAccessKeyId")
        if path.strip("/") == "data":
            return self.list(request, parse_qs(at.query))
        content = self.objects.get(path.removeprefix("/data/"))
        if content is None:
            return self.refuse(request, 404, "NoSuchKey")
        self.give(request, content, wanted)

    def tag(self, content: bytes) -> str:
        return f'"{hashlib.md5(content).hexdigest()}"'

    def give(self, request: BaseHTTPRequestHandler, content: bytes, wanted: str | None) -> None:
        tag = self.tag(content)
        if request.headers.get("If-Match", tag) != tag:
            return self.refuse(request, 412, "PreconditionFailed")
        first, last = 0, len(content) - 1
        if wanted:
            first, last = (int(number) for number in re.fullmatch(r"bytes=(\d+)-(\d+)", wanted).groups())
            last = min(last, len(content) - 1)
            if first > last:
                return self.refuse(request, 416, "InvalidRange")
        self.send(request, 206 if wanted else 200, content[first:last + 1],
                  {"ETag": tag, "Last-Modified": "Sun, 09 Sep 2001 01:46:40 GMT"} | ({"Content-Range": f"bytes {first}-{last}/{len(content)}"} if wanted else {}))

    def list(self, request: BaseHTTPRequestHandler, query: dict[str, list[str]]) -> None:
        keys = [key for key in sorted(self.objects) if key.startswith(query.get("prefix", [""])[0])]
        found = "".join(f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key])}</Size></Contents>" for key in keys)
        self.send(request, 200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode())

    def refuse(self, request: BaseHTTPRequestHandler, status: int, code: str) -> None:
        self.send(request, status, f"<Error><Code>{code}</Code></Error>".encode())

    def send(self, request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)
