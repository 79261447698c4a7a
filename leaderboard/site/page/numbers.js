// Format numbers and names.

const { letters: LETTERS, chance: CHANCE } = SITE;

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const isBlank = (value) => value === null || value === undefined || value === "" || Number.isNaN(value);

// Return a text in one line. Invisible and direction-changing characters become blanks, as in Python.
function line(text, longest = 200) {
  const folded = String(text ?? "").slice(0, 4 * longest).replace(/[\s\p{C}\p{Z}]+/gu, " ").trim();
  const signs = folded.length > longest ? [...folded] : []; // split by code points, so that no character is cut
  return signs.length > longest ? signs.slice(0, longest - 3).join("") + "..." : folded;
}

function percent(fraction, signed) {
  if (!isNumber(fraction)) return "";
  const text = oneDecimal(100 * fraction).replace(/^-(0\.0)$/, "$1");
  return signed && fraction > 0 ? "+" + text : text.replace("-", "\u2212");
}

// Round half to even, as Python does. toFixed would round .25 up.
function oneDecimal(value) {
  const isHalf = Number.isInteger(4 * value) && Math.abs(4 * value) % 4 === 1;
  return (isHalf ? value - Math.sign(value) * 0.01 : value).toFixed(1);
}

const interval = (low, high, signed) =>
  isNumber(low) && isNumber(high) ? `[${percent(low, signed)}, ${percent(high, signed)}]` : "";

// Return a formatter of numbers. It returns "" for other values.
const ofNumber = (write) => (value) => (isNumber(value) ? write(value) : "");
const whole = ofNumber(String);
const chance = ofNumber((p) => (p < 0.001 ? "<0.001" : p.toFixed(3)));
const plain = ofNumber((value) =>
  value && Math.abs(value) < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(3))));

const memory = ofNumber((bytes) => `${(bytes / 1e9).toFixed(2)} GB`);

const count = ofNumber((n) => {
  const [size, unit] = [[1e9, "B"], [1e6, "M"], [1e3, "k"]].find(([least]) => n >= 0.9995 * least) || [];
  return size ? Number((n / size).toPrecision(3)) + unit : String(n);
});

const duration = ofNumber((seconds) => {
  if (seconds < 10) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
});
