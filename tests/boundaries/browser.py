"""A real Chromium, driven over its pipe: what a page looks like to it, and what it complains of."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_COMPLAINTS = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Network.requestWillBeSent")
_PIPED = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 100) for end in sys.argv[1:3]]
for end, number in zip(ends, (3, 4)):
    os.dup2(end, number)
os.execv(sys.argv[3], sys.argv[3:])
"""  # Chromium reads from 3 and writes to 4


class Tab:
    """One tab: pages are opened in it, and asked."""

    def __init__(self, to: IO[bytes], of: IO[bytes]) -> None:
        self._to, self._of, self._session = to, of, ""
        self._number, self._rest = 0, b""
        self.complaints: list[str] = []
        self._happened: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **values: Any) -> dict[str, Any]:
        """One command of the DevTools protocol, and its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self._note(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, path: Path, *, width_px: int, height_px: int = 900, dark: bool = False) -> None:
        """Show a file in a window of this size, and wait until it is there."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width_px, height=height_px, deviceScaleFactor=1, mobile=False
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=scheme)
        self.complaints, self._happened = [], []
        self.ask("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self._happened:
            self._note(self._next())

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript comes to in the page."""
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def picture(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def _note(self, message: dict[str, Any]) -> None:
        method = message.get("method", "")
        self._happened.append(method)
        asked = message.get("params", {}).get("request", {}).get("url", "")
        if method in _COMPLAINTS and not asked.startswith("file:"):
            self.complaints.append(json.dumps(message["params"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            got = self._of.read(1 << 20)
            if not got:
                raise RuntimeError("Chromium has gone")
            self._rest += got
        message, _, self._rest = self._rest.partition(b"\0")
        read: dict[str, Any] = json.loads(message)
        return read


@contextmanager
def chromium(profile: Path) -> Iterator[Tab]:
    """A browser of its own, with a profile of its own."""
    (its_in, to), (of, its_out) = os.pipe(), os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", _PIPED, str(its_in), str(its_out), str(CHROMIUM), *_FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(its_in, its_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(its_in)
    os.close(its_out)
    try:
        with os.fdopen(to, "wb", 0) as writing, os.fdopen(of, "rb", 0) as reading:
            yield Tab(writing, reading)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
