"""A demo whose posts are tiny stand-ins: `python demo_stand_in.py DIR MODE`. Not a test by itself.

Each stand-in answers /healthz and has two children: one in a session of its own, one that has also emptied its environment.
MODE: "meek" ends on SIGTERM and leaves its children alone; "stubborn" ignores SIGTERM, and so do its children; "dying" ends
before it is ready.
"""

from __future__ import annotations

import sys

from kengd.__main__ import main
from kengd.cli import demo

POST = """
import http.server, os, signal, subprocess, sys
port, mode = int(sys.argv[1]), sys.argv[2]
if mode == "dying":
    sys.exit("không mở được sổ")
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sleep", "600"], start_new_session=True)
subprocess.Popen(["sleep", "600"], start_new_session=True, env={})
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", port), Page).serve_forever()
"""

if __name__ == "__main__":
    directory, mode = sys.argv[1:]
    demo.post_argv = lambda post: [sys.executable, "-c", POST, str(post.port), mode]
    sys.exit(main(["demo", "--dir", directory]))
