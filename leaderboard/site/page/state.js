// Read and store the view's state in the address after "#", so that a link, a reload or the back button restores it.

const DEFAULTS = {
  board: "", view: "chart", sort: "rank", dir: "asc", q: "", kind: "", trust: "", claims: "on", cols: "", rows: "",
};

function readState(boards, opens) {
  const read = { ...DEFAULTS };
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
    if (Object.hasOwn(DEFAULTS, key)) read[key] = value;
  }
  if (!boards.some((board) => board.board === read.board)) read.board = opens;
  if (!byId("view-" + read.view)) read.view = DEFAULTS.view;
  if (read.dir !== "desc") read.dir = "asc";
  return read;
}

function writeState(state, opens) {
  const parts = new URLSearchParams();
  const usual = { ...DEFAULTS, board: opens };
  for (const [key, value] of Object.entries(state)) {
    if (value !== usual[key]) parts.set(key, value);
  }
  const hash = parts.toString();
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", "#" + hash);
}

const sorted = (rows, column, dir) => (column.stage ? sortedByCost : sortedByValue)(rows, column, dir);

// Sort rows by a column. Blanks come last in both directions.
function sortedByValue(rows, column, dir) {
  const sign = dir === "desc" ? -1 : 1;
  const decorated = rows.map((row, place) => ({ row, place, value: sortValue(row, column) }));
  decorated.sort((a, b) => {
    if (isBlank(a.value) || isBlank(b.value)) return isBlank(a.value) - isBlank(b.value) || a.place - b.place;
    const isText = typeof a.value === "string";
    const order = isText ? a.value.localeCompare(b.value, "en", { numeric: true }) : a.value - b.value;
    return sign * order || a.place - b.place;
  });
  return decorated.map((entry) => entry.row);
}
