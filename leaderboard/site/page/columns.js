// Choose the columns: six by default, the others from a menu. The address stores the choice.

const chosenOf = (state) => state.cols.split(",").filter(Boolean);

// Return the columns that are not empty on the whole board.
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
  const choose = (keys, isShown) => {
    for (const key of keys) chosen[isShown ? "add" : "delete"](key);
    onChange(further.map((each) => each.key).filter((key) => chosen.has(key)).join(","));
  };
  const boxOf = (column) => columnBox(column.key, column.label, chosen.has(column.key), (isShown) => choose([column.key], isShown));
  byId("columns-menu").hidden = !further.length;
  byId("columns-list").replaceChildren(...further.filter((column) => !column.group).map(boxOf),
    ...[...new Set(further.map((column) => column.group).filter(Boolean))].map((group) => {
      const own = further.filter((column) => column.group === group);
      const keys = own.map((column) => column.key);
      const all = columnBox("group " + group, `All of ${group}`, keys.every((key) => chosen.has(key)), (isShown) => choose(keys, isShown));
      return el("fieldset", {}, el("legend", {}, group), all, ...own.map(boxOf));
    }));
  if (focused) byId("columns-list").querySelector(`[data-column="${CSS.escape(focused)}"]`)?.focus();
}

function columnBox(name, label, isShown, onChange) {
  const box = el("input", { type: "checkbox", "data-column": name });
  box.checked = isShown;
  box.addEventListener("change", () => onChange(box.checked));
  return el("label", {}, box, " ", label);
}

// On a phone the table has no header, so a list sorts the table.
function drawSortChoice(columns, state) {
  byId("sort-choice").replaceChildren(...columns.map((column) => el("option", { value: column.key }, column.label)));
  byId("sort-choice").value = state.sort;
}
