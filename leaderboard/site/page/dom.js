// Elements. Text from data only ever becomes a text node or an attribute's value, never markup.

const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);
const data = (id = "data") => JSON.parse(byId(id).textContent);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    // The content security policy forbids style attributes, but not setting a property.
    if (name.startsWith("--")) node.style.setProperty(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...(children || []).filter((child) => child !== null && child !== ""));
  return node;
}

const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const note = (text) => el("p", { class: "note" }, text);
// Text for screen readers.
const hiddenText = (text) => el("span", { class: "hidden" }, text);

// A table; `heads` and the cells of `rows` are elements, the caption is read by screen readers alone.
function tableOf(look, caption, heads, rows) {
  return el("table", { class: look }, el("caption", { class: "hidden" }, caption),
    el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows));
}

// Wide content scrolls by itself, by keyboard too, and leaves the page in place.
const scrolling = (label, ...children) =>
  el("div", { class: "scroll tall", role: "region", "aria-label": label, tabindex: 0 }, ...children);

// The skip link moves the focus without touching the address, which holds the page's state.
function skipLinks() {
  for (const link of document.querySelectorAll("[data-focus]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      byId(link.dataset.focus).focus();
    });
  }
}
