// Draw calibration: accuracy by the probability of the chosen option.

function calibrationWords(calibration) {
  const gap = calibration.confidence - calibration.acc;
  const way = Math.abs(gap) < 0.005 ? "confidence equals accuracy on average" : gap > 0 ? "confidence is above accuracy on average" : "confidence is below accuracy on average";
  return `Expected calibration error ${percent(calibration.error)} points: ${way}, `
    + `mean confidence ${percent(calibration.confidence)}%, accuracy ${percent(calibration.acc)}%.`;
}

function reliabilityFigure(calibration, title) {
  const [size, left, top] = [230, 34, 10];
  const [right, bottom] = [left + size, top + size];
  const x = scale(0, 1, left, right);
  const y = scale(0, 1, bottom, top);
  const parts = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((tick) => [
    stroke("axis", x(tick), top, x(tick), bottom), mark(x(tick), bottom + 15, String(100 * tick), "middle", "soft"),
    stroke("axis", left, y(tick), right, y(tick)), mark(left - 5, y(tick) + 4, String(Math.round(100 * tick)), "end", "soft")]);
  const most = Math.max(...calibration.bins.map((bin) => bin.n));
  const dots = calibration.bins.flatMap((bin) => [
    stroke("gap", x(bin.confidence), y(bin.confidence), x(bin.confidence), y(bin.acc)),
    stroke("bar faint", x(bin.confidence), y(bin.low), x(bin.confidence), y(bin.high)),
    svg("circle", { class: "dot", cx: x(bin.confidence), cy: y(bin.acc), r: 2.5 + 5 * Math.sqrt(bin.n / most) },
      svg("title", {}, `${bin.n} items: mean confidence ${percent(bin.confidence)}%, accuracy ${percent(bin.acc)}% ${interval(bin.low, bin.high)}`))]);
  const label = `${title}. ${calibrationWords(calibration)} `
    + calibration.bins.map((bin) => `${bin.n} items: mean confidence ${percent(bin.confidence)}%, accuracy ${percent(bin.acc)}%`).join("; ");
  return el("figure", {}, el("figcaption", {}, title), image(right + 12, bottom + 36, label, ...parts,
    stroke("guide", x(0), y(0), x(1), y(1)), ...dots, mark((left + right) / 2, bottom + 32, "confidence, %", "middle", "soft")));
}

const FIRST_CALIBRATED = 8;

// Draw one small plot for each system, best first. `calibrations` has the board's calibrations.
function drawCalibration(place, { rows, calibrations }) {
  const names = new Map(rows.map((row) => [row.id, row]));
  const known = calibrations.filter((calibration) => names.has(calibration.id));
  if (!known.length) {
    place.replaceChildren(note("No system shown has probabilities. Rules and generated texts have no probabilities."));
    return;
  }
  const about = "A calibrated system with a confidence of 70% is right on 70% of these items: its dots are on the "
    + "dashed line. Below the line, the confidence is too high; above the line, it is too low. Each dot is one tenth of the "
    + "confidence scale, with the 95% interval of the accuracy. Larger dots have more items. Calibration error: mean distance "
    + "from the line over the items. An embedding model's probabilities are a softmax of similar cosines, so they are low.";
  const figures = el("div", { class: "figures-row" });
  const add = (some) => figures.append(...some.map((calibration) => calibrationPanel(names.get(calibration.id), calibration)));
  const more = el("button", { type: "button" }, `Show all ${known.length}`);
  more.hidden = known.length <= FIRST_CALIBRATED;
  more.addEventListener("click", () => { add(known.slice(FIRST_CALIBRATED)); more.remove(); });
  add(known.slice(0, FIRST_CALIBRATED));
  place.replaceChildren(note(about), figures, more);
}

function calibrationPanel(row, calibration) {
  const [name, base] = nameParts(row);
  const panel = reliabilityFigure(calibration, name);
  panel.querySelector("figcaption").replaceChildren(el("b", {}, name), base ? el("span", { class: "aside" }, base) : "",
    el("span", { class: "aside" }, `calibration error ${percent(calibration.error)} points, confidence ${percent(calibration.confidence)}%, accuracy ${percent(calibration.acc)}%`));
  return panel;
}
