"use strict";
const page = document.documentElement;
const plotsIn = (selector) => [...document.querySelectorAll(selector + " .js-plotly-plot")];
const flat = () => plotsIn("figure").filter((plot) => !plot.closest(".solid"));

// One temperature is on the screen, the same in all sections; all are on paper.
function showTemperature(kelvin) {
  for (const panel of document.querySelectorAll(".panel")) {
    panel.classList.toggle("shown", panel.dataset.kelvin === kelvin);
  }
  for (const button of document.querySelectorAll(".tabs button")) {
    button.setAttribute("aria-pressed", String(button.dataset.kelvin === kelvin));
  }
  plotsIn(".panel.shown").forEach((plot) => Plotly.Plots.resize(plot));
}
for (const button of document.querySelectorAll(".tabs button")) {
  button.addEventListener("click", () => {
    const before = button.getBoundingClientRect().top;
    showTemperature(button.dataset.kelvin);
    scrollBy(0, button.getBoundingClientRect().top - before);
  });
}

// Without WebGL, and on paper, a picture stands for what can be turned.
if (!document.createElement("canvas").getContext("webgl")) page.classList.add("no-webgl");

const PAPER_WIDTH = 670;
addEventListener("beforeprint", () => {
  page.classList.add("printing");
  document.querySelectorAll("details").forEach((part) => part.setAttribute("open", ""));
  flat().forEach((plot) => Plotly.relayout(plot, { width: PAPER_WIDTH }));
});
addEventListener("afterprint", () => {
  page.classList.remove("printing");
  flat().forEach((plot) => Plotly.relayout(plot, { width: null, autosize: true }));
});
