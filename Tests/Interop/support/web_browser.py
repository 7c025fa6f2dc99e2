# SPDX-License-Identifier: Apache-2.0
"""Chromium as people use it, and the application that it comes back to."""
import http.server
import os
import subprocess
import urllib.parse

from selenium import webdriver


class Application(http.server.BaseHTTPRequestHandler):
    """Where answers arrive; it notes them."""
    seen = []

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        # Browsers also ask for an icon.
        if address.path == "/signed-in":
            self.seen.append(dict(urllib.parse.parse_qsl(address.query)))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>Application</title>")

    def log_message(self, *_):
        pass


def chromium(home, authority, addresses, script=True, arguments=(), state=None):
    """With a home of its own, the authority trusted, and names found at these addresses."""
    store = home / ".pki/nssdb"
    store.mkdir(parents=True)
    for command in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "site", "-i", authority]):
        subprocess.run(["certutil", "-d", f"sql:{store}", *command], check=True, capture_output=True)
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    rules = ", ".join(f"MAP {name} {address}" for name, address in addresses.items())
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
                     f"--user-data-dir={home / 'profile'}", f"--host-resolver-rules={rules}", *arguments):
        options.add_argument(argument)
    if state:
        options.add_experimental_option("localState", state)
    if not script:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    service = webdriver.ChromeService("/usr/bin/chromedriver", env={**os.environ, "HOME": str(home)})
    return webdriver.Chrome(options=options, service=service)
