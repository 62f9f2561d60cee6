from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

import pytest
from synthetic_study import change_run, write_study

from openmm_anion.comparison.results import StudyResults
from openmm_anion.comparison.study import analyze_study
from openmm_anion.comparison.study_functions import study_functions
from openmm_anion.errors import InputError
from openmm_anion.report import command
from openmm_anion.report.figure import save_summary_figure
from openmm_anion.report.page import write_report
from openmm_anion.report.static_figures import write_figures
from openmm_anion.report.summary import caveats, headline, sentences

TRUTH = {"free": 0.04, "T": 0.035, "R": 0.004, "V": 0.0}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("report") / "na3ps4", TRUTH, snapshots=2)


@pytest.fixture(scope="module")
def results(finished: Path) -> StudyResults:
    return analyze_study(finished)


def without_plotly(html: str) -> str:
    """The page without the library itself, which is full of addresses that nothing visits."""
    return re.sub(r"<script>/\*\*.*?</script>", "", html, count=1, flags=re.DOTALL)


@pytest.fixture(scope="module")
def page(finished: Path) -> str:
    path = write_report(finished)
    assert path == finished / "report.html"
    return path.read_text(encoding="utf-8")


def test_the_page_needs_no_network(page: str) -> None:
    own = without_plotly(page)
    assert len(own) < 0.25 * len(page)
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", own)
    assert "@import" not in own
    assert "url(" not in own
    # no button that sends the data away
    flat = '"modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]]'
    solid = '"modeBarButtons": [["orbitRotation", "zoom3d", "resetCameraDefault3d", "toImage"]]'
    assert own.count(solid) == 1
    assert own.count(flat) + own.count(solid) == own.count("Plotly.newPlot(")
    assert "sendChartToCloud" not in own


def test_plotly_is_embedded_once(page: str) -> None:
    assert page.count("* plotly.js v") == 1
    assert without_plotly(page).count("Plotly.newPlot(") == 11


def test_the_page_says_what_the_table_says(page: str) -> None:
    own = without_plotly(page)
    assert "Translation frozen: no difference can be told" in own
    assert " times slower and not more than " in own
    assert "Freezing the rotation of PS₄ makes Na about" in own
    assert "Freezing the vibration of PS₄ makes Na at least" in own
    assert "2 to 10 ps" in own
    assert "force rmse meV A" in own
    assert "Na3PS4.cif" in own


def test_the_page_has_every_section_with_its_plot(page: str) -> None:
    own = without_plotly(page)
    sections = dict(re.findall(r'<section id="section-([\w-]+)">(.*?)</section>', own, flags=re.DOTALL))
    assert list(sections)[:3] == ["found", "caveats", "results"]  # the verdict first, its caveats next to it
    for section, plot in {
        "results": "ratios",
        "rule": "rule-map",
        "displacement": "displacement-850K",
        "van-hove-self": "van-hove-self-850K",
        "van-hove-distinct": "van-hove-distinct-850K",
        "orientation": "orientation-PS4-850K",
        "coupling": "coupling-PS4-850K",
        "density": "density-PS4-850K",
        "sceptic": "constraint",
    }.items():
        assert f'<div id="{plot}"' in sections[section], section
    assert "the runs wrote no velocities; set velocities = true" in sections["spectra"]
    assert "mean over snapshots\n0, 1" in sections["sceptic"]
    # an identifier stands for one thing: a plot would draw over a section of its name
    names = re.findall(r'\sid="([^"]+)"', own)
    assert len(names) == len(set(names))
    assert "\u2014" not in own


def test_text_from_files_is_escaped(finished: Path, tmp_path: Path) -> None:
    study = Path(shutil.copytree(finished, tmp_path / "a<b>&c"))
    (study / "study.json").write_text('{"title": "<script>alert(1)</script>"}')
    own = without_plotly(write_report(study).read_text(encoding="utf-8"))
    assert "<script>alert" not in own
    assert "a&lt;b&gt;&amp;c" in own


def test_a_broken_anion_is_told_in_plain_words(finished: Path, tmp_path: Path) -> None:
    study = Path(shutil.copytree(finished, tmp_path / "broken"))
    event = {"time_ps": 4.2, "anion": 3, "formula": "PS4", "atom": 17, "symbol": "S", "distance_nm": 0.33}
    change_run(study, "T850K/snapshot-1/R", status="broken", broken=[event])
    own = without_plotly(write_report(study).read_text(encoding="utf-8"))
    lost = "snapshot 1: PS4 number 3 lost S (atom 17) at 4.2 ps, bond 3.30 A"
    assert f"Rotation frozen: not valid ({lost})" in own


def test_a_study_without_a_free_run_or_data_still_has_a_report(tmp_path: Path) -> None:
    study = write_study(tmp_path / "young", {"R": 0.004}, snapshots=1, n_frames=5)
    own = without_plotly(write_report(study).read_text(encoding="utf-8"))
    assert "There is no free run yet" in own
    assert "Rotation frozen: not enough data yet." in own
    assert "Nothing to draw at" not in own  # sections without a plot are a sentence and no more
    assert 'id="section-orientation"' in own


def test_the_headline_claims_no_more_than_the_intervals(results: StudyResults) -> None:
    (temperature,) = results.temperatures
    changed = temperature.model_copy(update={"dominant": "R"})
    assert "the rotation matters most at 850 K" in headline(
        results.model_copy(update={"temperatures": [changed]})
    )
    undecided = temperature.model_copy(update={"dominant": None})
    assert "cannot be told" in headline(results.model_copy(update={"temperatures": [undecided]}))
    *_, undecidable, by_rule = sentences(results, undecided)
    assert undecidable == "Which of the motions matters most cannot be told from these runs."
    assert by_rule.startswith("By frequencies: PS4 rotates 0 times (0 to ")
    alike = [mode.model_copy(update={"verdict": "no difference can be told"}) for mode in temperature.modes]
    nothing = temperature.model_copy(update={"dominant": None, "modes": alike})
    assert headline(results.model_copy(update={"temperatures": [nothing]})).startswith(
        "No motion of PS₄ can be shown"
    )


def test_caveats_name_snapshots_window_and_temperature(results: StudyResults) -> None:
    text = " ".join(caveats(results))
    assert "2 starting snapshots" in text
    assert "between lag times of 2 and 10 ps" in text
    warned = results.runs[0].model_copy(update={"warning": "it was at 990 K on average instead of 850 K"})
    text = " ".join(caveats(results.model_copy(update={"runs": [warned]})))
    assert "The run free, snapshot 0, at 850 K: it was at 990 K on average" in text


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_static_figure_is_written(results: StudyResults, tmp_path: Path, ending: str) -> None:
    path = save_summary_figure(results, tmp_path / f"summary.{ending}")
    assert path.stat().st_size > 10_000


def test_every_figure_is_written_for_paper(results: StudyResults, finished: Path, tmp_path: Path) -> None:
    functions = study_functions(finished, results)
    functions.modes = [mode for mode in functions.modes if mode.mode in ("free", "R")]
    paths = write_figures(results, functions, tmp_path / "figures")
    stems = [
        "summary",
        "van-hove-self",
        "van-hove-distinct",
        "orientation-PS4",
        "coupling-PS4",
        "density-PS4",
    ]
    names = {"rule-map", *(f"{stem}-850K" for stem in stems)}
    assert {path.name for path in paths} == {f"{name}{end}" for name in names for end in (".svg", ".png")}
    for path in paths:
        assert path.read_bytes()[:5] == (b"<?xml" if path.suffix == ".svg" else b"\x89PNG\r")
    assert "<sub>" not in (tmp_path / "figures" / "rule-map.svg").read_text()


def test_the_static_figure_refuses_what_is_not_there(results: StudyResults, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run at 300 K; there are 850 K"):
        save_summary_figure(results, tmp_path / "summary.svg", 300.0)
    with pytest.raises(InputError, match=r"use \.svg, \.png or \.pdf"):
        save_summary_figure(results, tmp_path / "summary.doc")


def test_the_command_prints_the_table_and_the_path(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    figure = finished / "figure.svg"
    assert command.run(parser.parse_args([str(finished), "--figure", str(figure), "--no-figures"])) == 0
    assert figure.read_text().startswith("<?xml")
    assert not (finished / "figures").exists()
    printed = capsys.readouterr().out
    assert "no difference can be told" in printed
    assert printed.rstrip().endswith(f"report: {finished / 'report.html'}")


def test_the_command_refuses_a_foreign_directory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a study directory"):
        command.run(argparse.Namespace(directory=tmp_path, figure=None, no_figures=False))
