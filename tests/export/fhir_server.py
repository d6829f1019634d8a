"""A FHIR server that knows one thing: a transaction of conditional creates."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs


class Double:
    """What it holds, by type, and what it was asked; with `says` (code, body) it only says that."""

    def __init__(self) -> None:
        self.held: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.says: tuple[int, bytes] | None = None
        self.base = ""

    def take(self, bundle: dict[str, Any]) -> dict[str, Any]:
        """Do a transaction, and answer as a server does."""
        self.asked.append(bundle)
        ids: dict[str, str] = {}
        answers = []
        for entry in bundle["entry"]:
            kind = entry["request"]["url"]
            ((name, (value,)),) = parse_qs(entry["request"]["ifNoneExist"]).items()
            known = self.held.setdefault(kind, [])
            found = [n for n, one in enumerate(known) if value in _tokens(one, name)]
            assert len(found) < 2, f"{value} fits more than one {kind}"
            if not found:
                known.append(entry["resource"])
            ids[entry["fullUrl"]] = f"{kind}/{found[0] if found else len(known) - 1}"
            answers.append({"response": {"status": "200 OK" if found else "201 Created"}})
        text = json.dumps(bundle)
        assert all(url in text for url in ids)
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}


def _tokens(resource: dict[str, Any], name: str) -> set[str]:
    if name == "_tag":
        return {f"{t['system']}|{t['code']}" for t in resource.get("meta", {}).get("tag", [])}
    given = resource.get("identifier", [])
    return {f"{i['system']}|{i['value']}" for i in (given if isinstance(given, list) else [given])}


@contextmanager
def serving(certificate: tuple[Path, Path] | None = None) -> Iterator[Double]:
    """Run one on this machine; with a certificate and its key, by TLS."""
    double = Double()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            double.headers.append({k.lower(): v for k, v in self.headers.items()})
            code, said = double.says or (200, json.dumps(double.take(json.loads(body))).encode())
            self.send_response(code)
            if code == 307:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    double.base = f"{scheme}://127.0.0.1:{server.server_port}/fhir"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
