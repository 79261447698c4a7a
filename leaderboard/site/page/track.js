// Draw an accuracy as a point with its interval, from 0 to 100%. Places are in percent, so a track fits any width.

const share = (fraction) => `${(100 * Math.min(1, Math.max(0, fraction))).toFixed(2)}%`;
const KINDS_OF_EVIDENCE = { "run here": "run-here", recounted: "recounted", claimed: "claimed" };
const lookOf = (row) => KINDS_OF_EVIDENCE[row.evidence] || "run-here";

function trackOf(row, marks) {
  const parts = marks.bars ? [barOf(row)] : [...bandsOf(marks), ...linesOf(marks)];
  if (isNumber(row.acc)) {
    if (isNumber(row.acc_low) && isNumber(row.acc_high)) {
      parts.push(svg("line", { class: "reach", x1: share(row.acc_low), x2: share(row.acc_high), y1: "50%", y2: "50%" }));
    }
    if (!marks.bars) parts.push(pointAt(share(row.acc), "50%", lookOf(row)));
  }
  return svg("svg", { class: `track ${lookOf(row)}`, "aria-hidden": "true" }, ...parts);
}

// Solid: run here. Half: recounted. Hollow: claimed.
function pointAt(x, y, look) {
  return svg("svg", { x, y, class: `glyph ${look}` }, svg("circle", { class: "point", r: 5 }),
    look === "recounted" ? svg("path", { class: "half", d: "M0-5A5 5 0 0 0 0 5Z" }) : null);
}

// Return a bar from 0, with chance as a line. A table has no axis, so a point alone would be hard to read.
function barOf(row) {
  const long = isNumber(row.acc) ? share(row.acc) : 0;
  return svg("g", {}, svg("rect", { class: "rail", width: "100%", y: "25%", height: "50%" }),
    svg("rect", { class: "amount", width: long, y: "25%", height: "50%" }),
    svg("line", { class: "guide", x1: share(CHANCE), x2: share(CHANCE), y1: 0, y2: "100%" }));
}

function bandsOf({ rule }) {
  const band = (look, from, to) =>
    svg("rect", { class: look, x: share(from), width: share(Math.max(0, to - from)), height: "100%" });
  return [band("below-chance", 0, CHANCE), ...(rule && rule.acc > CHANCE ? [band("up-to-rule", CHANCE, rule.acc)] : [])];
}

function linesOf({ target, ticks }) {
  const line = (look, at) => svg("line", { class: look, x1: share(at), x2: share(at), y1: 0, y2: "100%" });
  return [...(ticks || []).map((tick) => line("axis", tick)), ...(isNumber(target) ? [line("guide", target)] : [])];
}
