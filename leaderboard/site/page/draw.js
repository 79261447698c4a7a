// Draw the parts that all plots share. A plot is one image with a summary for screen readers. Tables have the numbers.

const image = (width, height, label, ...children) =>
  svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, ...children);
const scale = (low, high, from, to) => (value) => from + ((value - low) / (high - low || 1)) * (to - from);
const stroke = (name, x1, y1, x2, y2) => svg("line", { class: name, x1, y1, x2, y2 });
const mark = (x, y, text, anchor = "start", look = null) =>
  svg("text", { x, y, "text-anchor": anchor, class: look }, text);
// Plots fit the available width, so that they can be read on a phone without scrolling.
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

const PIXELS = 6.7; // mean width of a character in a plot
const isOver = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

// Return a name at a free place beside a dot, cut to the first of `lengths` that fits; null if no length fits.
// `taken` has the occupied boxes, [left, top, right, bottom], and gets the name's box.
function freeName({ cx, cy }, name, lengths, sides, taken, frame) {
  for (const [text, dx, dy, anchor] of lengths.flatMap((most) => sides.map((side) => [line(name, most), ...side]))) {
    const long = text.length * PIXELS;
    const from = cx + dx - (anchor === "end" ? long : anchor === "middle" ? long / 2 : 0);
    const box = [from, cy + dy - 11, from + long, cy + dy + 4];
    const isInside = box[0] > frame.left && box[2] < frame.width && box[1] > 0 && box[3] < frame.bottom;
    if (isInside && !taken.some((other) => isOver(box, other))) {
      taken.push(box);
      return mark(cx + dx, cy + dy, text, anchor);
    }
  }
  return null;
}
