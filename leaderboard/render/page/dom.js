// Elements and numbers. Text from data only ever becomes a text node.

const SVG = "http://www.w3.org/2000/svg";
const LETTERS = ["A", "B", "C", "D", "E"];
const CHANCE = 0.2;

function data() {
  return JSON.parse(document.getElementById("data").textContent);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("--")) node.style.setProperty(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...(children || []).filter((child) => child !== null && child !== ""));
  return node;
}

function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

function line(text, longest = 200) {
  const folded = String(text).replace(/\s+/g, " ").trim();
  return folded.length > longest ? folded.slice(0, longest - 1) + "\u2026" : folded;
}

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

function percent(fraction, signed) {
  if (!isNumber(fraction)) return "";
  const text = (100 * fraction).toFixed(1);
  return signed && fraction > 0 ? "+" + text : text.replace("-", "\u2212");
}

function interval(low, high, signed) {
  return isNumber(low) && isNumber(high) ? `[${percent(low, signed)}, ${percent(high, signed)}]` : "";
}

function chance(p) {
  if (!isNumber(p)) return "";
  return p < 0.001 ? "<0.001" : p.toFixed(3);
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
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

// The skip link moves the focus without touching the address, which holds the page's state.
function skipLinks() {
  for (const link of document.querySelectorAll("[data-focus]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      byId(link.dataset.focus).focus();
    });
  }
}
