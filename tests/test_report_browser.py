from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from browser import complaints, opened, programs, requests
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from synthetic_study import write_study

from openmm_anion.comparison.study import analyze_study
from openmm_anion.comparison.study_functions import study_functions
from openmm_anion.report.page import render

DRAWN = """
return [...document.querySelectorAll(".js-plotly-plot")].filter(
  (plot) => plot.querySelector(".main-svg")).map((plot) => plot.id)
"""


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    programs()
    folder = tmp_path_factory.mktemp("browser")
    study = write_study(folder / "study", {"free": 0.1, "R": 0.01}, snapshots=1, n_frames=101)
    results = analyze_study(study)
    functions = study_functions(study, results)
    # the same once more, as a second temperature
    results.temperatures.append(results.temperatures[0].model_copy(update={"temperature_K": 950.0}))
    results.runs += [run.model_copy(update={"temperature_K": 950.0}) for run in results.runs]
    functions.modes += [mode.model_copy(update={"temperature_K": 950.0}) for mode in functions.modes]
    page = folder / "report.html"
    page.write_text(render(results, functions), encoding="utf-8")
    with opened(page, folder / "profile") as browser:
        yield browser


def shown(chrome: Any, css: str) -> list[bool]:
    return [element.is_displayed() for element in chrome.find_elements(By.CSS_SELECTOR, css)]


@pytest.mark.timeout(600)
def test_a_reader_sees_every_plot_and_can_click(chrome: Any) -> None:
    wait = WebDriverWait(chrome, 120)
    plots = chrome.find_elements(By.CSS_SELECTOR, ".plotly-graph-div")
    assert len(plots) == 19
    wait.until(lambda _: len(chrome.execute_script(DRAWN)) == len(plots))
    assert {request.split(":")[0] for request in requests(chrome)} <= {"file", "data", "blob"}
    assert complaints(chrome) == []
    # nothing is wider than a laptop
    assert chrome.execute_script("return document.documentElement.scrollWidth <= innerWidth")

    # an entry of the legend hides its mode in all panels of a plot
    entry = chrome.find_element(By.CSS_SELECTOR, "#orientation-PS4-850K .legendtoggle")
    visible = "return document.getElementById('orientation-PS4-850K')._fullData.map((trace) => trace.visible)"
    assert all(value is True for value in chrome.execute_script(visible))
    chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", entry)
    entry.click()
    wait.until(lambda _: chrome.execute_script(visible).count("legendonly") >= 3)
    assert True in chrome.execute_script(visible)

    # a temperature changes all sections
    assert shown(chrome, "#van-hove-self-850K, #van-hove-self-950K") == [True, False]
    button = chrome.find_element(By.CSS_SELECTOR, "#section-coupling button[data-kelvin='950']")
    chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    assert shown(chrome, "#van-hove-self-850K, #van-hove-self-950K") == [False, True]
    assert shown(chrome, "#coupling-PS4-850K, #coupling-PS4-950K") == [False, True]
    width = "return document.querySelector('#coupling-PS4-950K .main-svg').getBoundingClientRect().width"
    wait.until(lambda _: chrome.execute_script(width) > 700)

    # links lead to sections, all of them
    for link in chrome.find_elements(By.CSS_SELECTOR, "nav a"):
        target = link.get_attribute("href").split("#")[1]
        assert chrome.find_elements(By.ID, target), target

    assert complaints(chrome) == []
    assert {request.split(":")[0] for request in requests(chrome)} <= {"file", "data", "blob"}


@pytest.mark.timeout(600)
def test_paper_has_every_temperature_and_a_picture_of_the_density(chrome: Any) -> None:
    chrome.execute_script("window.printed = []; addEventListener('beforeprint', () => { printed.push(1); })")
    printed = chrome.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF")
    assert 5 < pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") < 40
    assert chrome.execute_script("return printed.length") == 1
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert all(shown(chrome, ".panel"))
        assert all(shown(chrome, ".solid img"))
        assert not any(shown(chrome, ".solid .moving"))
        assert not any(shown(chrome, ".tabs"))
    finally:
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert complaints(chrome) == []


def test_without_chromium_ci_fails_and_others_are_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("browser.shutil.which", lambda name: None)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium chromium-driver"):
        programs()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium chromium-driver"):
        programs()
