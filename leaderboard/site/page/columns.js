// The columns that a reader chooses: six by default, the others from a menu. The address stores them.

const chosenOf = (state) => state.cols.split(",").filter(Boolean);

// Columns that would be empty for the whole board are not offered.
function columnsOf(rows) {
  return SITE.columns.filter((column) => SITE.first.includes(column.key)
    || rows.some((row) => !isBlank(sortValue(row, column)) || isInvariant(row, column)));
}

const shownOf = (columns, state) => {
  const chosen = new Set(chosenOf(state));
  return columns.filter((column) => SITE.first.includes(column.key) || chosen.has(column.key));
};

function drawColumnsMenu(columns, state, onChange) {
  const further = columns.filter((column) => !SITE.first.includes(column.key));
  const chosen = new Set(chosenOf(state));
  const focused = document.activeElement?.dataset?.column;
  byId("columns-menu").hidden = !further.length;
  byId("columns-list").replaceChildren(...further.map((column) => {
    const box = el("input", { type: "checkbox", "data-column": column.key });
    box.checked = chosen.has(column.key);
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(column.key); else chosen.delete(column.key);
      onChange(further.map((each) => each.key).filter((key) => chosen.has(key)).join(","));
    });
    return el("label", {}, box, " ", column.label);
  }));
  if (focused) byId("columns-list").querySelector(`[data-column="${CSS.escape(focused)}"]`)?.focus();
}

// On a phone the table has no header, so this list sorts instead.
function drawSortChoice(columns, state) {
  byId("sort-choice").replaceChildren(...columns.map((column) => el("option", { value: column.key }, column.label)));
  byId("sort-choice").value = state.sort;
}
