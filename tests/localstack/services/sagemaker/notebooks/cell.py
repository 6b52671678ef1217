"""Runs one cell as JupyterLab's page does: ``python cell.py AUTHORIZED_URL CODE`` prints what the cell prints.

Run by the interpreter of JupyterLab's own environment, which has a client of web sockets. It opens the URL, keeps the
cookies, starts a kernel by the server's API, and talks to it over its channels.
"""

from __future__ import annotations

import asyncio
import http.cookiejar
import json
import sys
import urllib.request
import uuid
from urllib.parse import urlsplit

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect


async def run(authorized_url: str, code: str) -> None:
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    browser.open(authorized_url, timeout=60).read()
    held = {cookie.name: cookie.value or "" for cookie in cookies}
    host = urlsplit(authorized_url).netloc
    headers = {"X-XSRFToken": held["_xsrf"], "Content-Type": "application/json"}
    start = urllib.request.Request(f"http://{host}/api/kernels", b'{"name": "python3"}', headers)
    kernel = json.load(browser.open(start, timeout=120))["id"]
    cookie = "; ".join(f"{name}={value}" for name, value in held.items())
    socket = await websocket_connect(
        HTTPRequest(f"ws://{host}/api/kernels/{kernel}/channels", headers={"Cookie": cookie})
    )
    asked = uuid.uuid4().hex
    header = {"msg_id": asked, "msg_type": "execute_request", "username": "", "session": asked, "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await socket.write_message(json.dumps(message))
    while True:
        text = await socket.read_message()
        assert text is not None, "the kernel's channels were closed"
        reply = json.loads(text)
        if reply["parent_header"].get("msg_id") != asked:
            continue
        if reply["msg_type"] == "stream":
            print(reply["content"]["text"], end="", flush=True)
        if reply["msg_type"] == "error":
            print("\n".join(reply["content"]["traceback"]), file=sys.stderr)
            raise SystemExit(1)
        if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
            return


asyncio.run(run(sys.argv[1], sys.argv[2]))
