"""Drives a headless Chromium through the DevTools protocol, over a pair of pipes."""

import json
import os
import signal
import subprocess
import tempfile
import time

CHROMIUM = os.environ["TENSORFILE_CHROMIUM"]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
         "--window-size=1500,1000", "--remote-debugging-pipe"]


class Browser:
    """A browser with one page. `errors` collects what the console of the page says."""

    def __init__(self):
        self.errors = []
        self.loaded = False
        self.last_id = 0
        self.profile = tempfile.TemporaryDirectory()
        commands, self.commands = os.pipe()
        self.replies, replies = os.pipe()
        # The browser reads commands from descriptor 3 and writes replies to descriptor 4.
        shell = f'exec "$0" "$@" 3<&{commands} 4>&{replies}'
        self.process = subprocess.Popen(
            ["sh", "-c", shell, CHROMIUM, *FLAGS, f"--user-data-dir={self.profile.name}"], pass_fds=(commands, replies),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(commands)
        os.close(replies)
        self.pending = b""
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def close(self):
        os.close(self.commands)
        self.process.terminate()
        self.process.wait()
        os.close(self.replies)
        self.end_processes()
        self.profile.cleanup()

    def end_processes(self):
        """Ends the processes that the browser has started, which can write to the profile after it has ended."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            time.sleep(0.01)
        raise AssertionError("the processes of the browser do not end")

    def receive(self):
        while b"\0" not in self.pending:
            data = os.read(self.replies, 1 << 20)
            if not data:
                raise AssertionError("the browser has ended")
            self.pending += data
        message, _, self.pending = self.pending.partition(b"\0")
        message = json.loads(message)
        self.note(message.get("method"), message.get("params"))
        return message

    def note(self, method, params):
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled":
            self.errors.append(f"console.{params['type']}: {params['args']}")
        elif method == "Log.entryAdded":
            self.errors.append(params["entry"]["text"])

    def call(self, method, **params):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            reply = self.receive()
            if reply.get("id") == self.last_id:
                if "error" in reply:
                    raise AssertionError(f"{method}: {reply['error']}")
                return reply["result"]

    def open(self, path):
        self.open_url(path.resolve().as_uri())

    def open_url(self, url):
        self.errors.clear()
        self.loaded = False
        self.call("Page.navigate", url=url)
        while not self.loaded:
            self.receive()

    def evaluate(self, expression):
        """Returns the value of an expression in the page, which must not throw."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']['exception']['description']}")
        return result["result"].get("value")

    def press(self, *keys):
        for key in keys:
            text = {"text": key} if len(key) == 1 else {}
            for kind in ("keyDown", "keyUp"):
                self.call("Input.dispatchKeyEvent", type=kind, key=key, **(text if kind == "keyDown" else {}))
