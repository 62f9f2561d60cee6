"""Chromium without a window and without a network, to open a report as a reader does."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

LAPTOP = (1366, 768)
FLAGS = (
    "--headless",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # WebGL on the processor
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    f"--window-size={LAPTOP[0]},{LAPTOP[1]}",
)


def programs() -> tuple[str, str]:
    """Chromium and its driver; without them a failure in CI, and a skip that says what to install."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        message = (
            "no Chromium with its driver: install them (Debian: apt-get install chromium chromium-driver)"
        )
        if os.environ.get("CI"):
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return browser, driver


@contextmanager
def opened(path: Path, profile: Path) -> Iterator[webdriver.Chrome]:
    """Open a page in a fresh browser."""
    browser, driver = programs()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    try:
        chrome.set_page_load_timeout(120)
        chrome.get(path.as_uri())
        yield chrome
    finally:
        chrome.quit()


def requests(chrome: webdriver.Chrome) -> set[str]:
    """Addresses that the page asked for since the last call, without those of the browser itself."""
    found = set()
    for entry in chrome.get_log("performance"):
        message: dict[str, Any] = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.add(str(message["params"]["request"]["url"]))
    return {url for url in found if not url.startswith("chrome")}


def complaints(chrome: webdriver.Chrome) -> list[str]:
    """Errors on the console since the last call."""
    return [entry["message"] for entry in chrome.get_log("browser") if entry["level"] == "SEVERE"]
