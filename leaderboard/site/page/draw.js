// What all plots share. A plot is one image with a summary to a screen reader; tables hold its numbers.

const image = (width, height, label, ...children) =>
  svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, ...children);
const scale = (low, high, from, to) => (value) => from + ((value - low) / (high - low || 1)) * (to - from);
const stroke = (name, x1, y1, x2, y2) => svg("line", { class: name, x1, y1, x2, y2 });
const mark = (x, y, text, anchor = "start", look = null) =>
  svg("text", { x, y, "text-anchor": anchor, class: look }, text);
// Plots are drawn for the width there is, so that they can be read on a phone without scrolling.
const widthOf = (place, most) => Math.max(300, Math.min(place.clientWidth || most, most));

function drawBars(title, shares) {
  const [width, height, left] = [270, 142, 20];
  const x = scale(0, 1, left, width - 56);
  const parts = shares.flatMap((value, k) => {
    const y = 8 + 26 * k;
    const long = isNumber(value) ? Math.max(0, x(value) - left) : 0;
    return [mark(0, y + 13, LETTERS[k]), svg("rect", { class: "fill", x: left, y, width: long, height: 18 }),
      mark(left + long + 6, y + 13, isNumber(value) ? percent(value) : "no item")];
  });
  const label = `${title}: ${shares.map((value, k) => `${LETTERS[k]} ${percent(value) || "no item"}`).join(", ")}`;
  return el("figure", {}, el("figcaption", {}, title),
    image(width, height, label, stroke("guide", x(CHANCE), 4, x(CHANCE), height - 8), ...parts));
}
