// Elements. Text from data only ever becomes a text node or an attribute's value, never markup.

const SVG = "http://www.w3.org/2000/svg";

function data(id = "data") {
  return JSON.parse(byId(id).textContent);
}

function byId(id) {
  return document.getElementById(id);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    // A style attribute would be against the policy; setting a property is not.
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

function note(text) {
  return el("p", { class: "note" }, text);
}

// Text for those who do not see what the look says.
function hiddenText(text) {
  return el("span", { class: "hidden" }, text);
}

// Wide content scrolls by itself, by keyboard too, and leaves the page in place.
function scrolling(label, ...children) {
  return el("div", { class: "scroll tall", role: "region", "aria-label": label, tabindex: 0 }, ...children);
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
