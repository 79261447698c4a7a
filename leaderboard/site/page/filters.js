// Draw the filters: chips for kind and trust, and a switch for published claims. A board offers its rows' values.

const listOf = (state, key) => state[key].split(",").filter(Boolean);
const KINDS = { causal: "language models", encoder: "encoders", baseline: "baselines", imported: "imported" };

function drawChips(place, key, values, state, words) {
  const chosen = new Set(listOf(state, key));
  const focused = document.activeElement?.dataset?.[key];
  const chips = values.map((value) => {
    const chip = el("button", { type: "button", class: "chip", ["data-" + key]: value,
      "aria-pressed": String(chosen.has(value)) }, words[value] || line(value));
    chip.addEventListener("click", () => {
      if (!chosen.delete(value)) chosen.add(value);
      change({ [key]: [...chosen].sort().join(","), rows: "" });
    });
    return chip;
  });
  place.hidden = values.length < 2 && !chosen.size;
  const title = el("span", { class: "soft", "aria-hidden": "true" }, place.getAttribute("aria-label"));
  place.replaceChildren(title, ...chips);
  if (focused) place.querySelector(`[data-${key}="${CSS.escape(focused)}"]`)?.focus();
}

function drawFilters(onBoard, state) {
  const measured = onBoard.filter((row) => row.kind !== "reported");
  const valuesOf = (key, rows, order) => {
    const there = new Set([...rows.map((row) => row[key]), ...listOf(state, key === "status" ? "trust" : key)]);
    return order.filter((value) => there.has(value));
  };
  drawChips(byId("chips-kind"), "kind", valuesOf("kind", measured, Object.keys(KINDS)), state, KINDS);
  drawChips(byId("chips-trust"), "trust", valuesOf("status", measured, Object.keys(SITE.words)), state, SITE.words);
  byId("claims-switch").checked = state.claims !== "off";
  byId("claims-switch").closest("label").hidden = measured.length === onBoard.length;
}

// Return a row's searchable text. Make it once, because a thousand rows are filtered at every key press.
const searchable = new Map();
function textOf(row) {
  if (!searchable.has(row)) {
    searchable.set(row, [row.system, row.source, row.origin, row.reason, row.kind, row.status, SITE.words[row.status],
      row.evidence, row.protocol, ...(row.beneath || []), ...(row.flags || [])].join(" ").toLowerCase());
  }
  return searchable.get(row);
}

const wordsOf = (state) => state.q.toLowerCase().split(/\s+/).filter(Boolean);

// Return a function that says whether a row matches the filters. Without a chosen chip, any kind and status match.
function matcher(state) {
  const [kinds, statuses] = [new Set(listOf(state, "kind")), new Set(listOf(state, "trust"))];
  const words = wordsOf(state);
  return (row) => !(row.kind === "reported" && state.claims === "off")
    && (!kinds.size || kinds.has(row.kind)) && (!statuses.size || statuses.has(row.status))
    && (!words.length || words.every((word) => textOf(row).includes(word)));
}
