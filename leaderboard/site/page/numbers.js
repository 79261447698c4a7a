// Numbers and names as they are written.

const LETTERS = SITE.letters;
const CHANCE = SITE.chance;

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

function isBlank(value) {
  return value === null || value === undefined || value === "" || Number.isNaN(value);
}

// One line: characters that cannot be seen, or turn the direction of what follows, become blanks as in Python.
function line(text, longest = 200) {
  const folded = String(text ?? "").slice(0, 4 * longest).replace(/[\s\p{C}\p{Z}]+/gu, " ").trim();
  const signs = folded.length > longest ? [...folded] : []; // by code points: no character is cut in half
  return signs.length > longest ? signs.slice(0, longest - 3).join("") + "..." : folded;
}

function percent(fraction, signed) {
  if (!isNumber(fraction)) return "";
  const text = oneDecimal(100 * fraction).replace(/^-(0\.0)$/, "$1");
  return signed && fraction > 0 ? "+" + text : text.replace("-", "\u2212");
}

// Half to even, as the other files round: .25 alone is a half that toFixed takes upwards.
function oneDecimal(value) {
  const isHalf = Number.isInteger(4 * value) && Math.abs(4 * value) % 4 === 1;
  return (isHalf ? value - Math.sign(value) * 0.01 : value).toFixed(1);
}

function interval(low, high, signed) {
  return isNumber(low) && isNumber(high) ? `[${percent(low, signed)}, ${percent(high, signed)}]` : "";
}

function chance(p) {
  if (!isNumber(p)) return "";
  return p < 0.001 ? "<0.001" : p.toFixed(3);
}

function whole(n) {
  return isNumber(n) ? String(n) : "";
}

function count(n) {
  if (!isNumber(n)) return "";
  for (const [size, unit] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]]) {
    if (n >= size) return Number((n / size).toPrecision(3)) + unit;
  }
  return String(n);
}

function duration(seconds) {
  if (!isNumber(seconds)) return "";
  if (seconds < 10) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function plain(value) {
  if (!isNumber(value)) return "";
  return value && Math.abs(value) < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}
