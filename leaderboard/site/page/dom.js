// Make elements. Text from data becomes a text node or an attribute's value, never markup.

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
// Return text for screen readers only.
const hiddenText = (text) => el("span", { class: "hidden" }, text);

// Return a table. `heads` and `rows` are elements. Only screen readers read the caption.
function tableOf(look, caption, heads, rows) {
  return el("table", { class: look }, el("caption", { class: "hidden" }, caption),
    el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows));
}

// Return a region in which wide content scrolls, also by keyboard, while the page does not move.
const scrolling = (label, ...children) =>
  el("div", { class: "scroll tall", role: "region", "aria-label": label, tabindex: 0 }, ...children);

// Move the focus without changing the address, because the address stores the page's state.
function skipLinks() {
  for (const link of document.querySelectorAll("[data-focus]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      byId(link.dataset.focus).focus();
    });
  }
}
