// Calibration: accuracy by the probability of the chosen option.

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

// One small plot a system, the best first; `calibrations` come from the board's file.
function drawCalibration(place, { rows, calibrations }) {
  const names = new Map(rows.map((row) => [row.id, row]));
  const known = calibrations.filter((calibration) => names.has(calibration.id));
  if (!known.length) {
    place.replaceChildren(note("No system here has probabilities. Rules and generated texts have none."));
    return;
  }
  const about = "A system with a confidence of 70% should be right on 70% of these items: dots on the dashed line. "
    + "Below the line, the confidence is too high; above it, too low. Each dot is a tenth of the scale, with its 95% interval; larger "
    + "dots have more items. The error is the mean distance from the line, over items. An embedding model's probabilities "
    + "are a softmax of cosines, which are close together, so its probabilities are always low.";
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
    el("span", { class: "aside" }, `error ${percent(calibration.error)}, sure ${percent(calibration.confidence)}, right ${percent(calibration.acc)}`));
  return panel;
}
