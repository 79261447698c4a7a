// What is shown, kept in the address behind "#" so that it can be sent, reloaded and gone back to.

const DEFAULTS = {
  board: "", view: "table", sort: "rank", dir: "asc", q: "", "hide-kind": "", "hide-status": "", rows: "",
};

function readState(boards) {
  const read = { ...DEFAULTS };
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
    if (Object.hasOwn(DEFAULTS, key)) read[key] = value;
  }
  if (!boards.some((board) => board.board === read.board)) read.board = boards[0].board;
  if (!byId("view-" + read.view)) read.view = DEFAULTS.view;
  if (read.dir !== "desc") read.dir = "asc";
  return read;
}

function writeState(state, boards) {
  const parts = new URLSearchParams();
  const usual = { ...DEFAULTS, board: boards[0].board };
  for (const [key, value] of Object.entries(state)) {
    if (value !== usual[key]) parts.set(key, value);
  }
  const hash = parts.toString();
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", "#" + hash);
}

// Hidden kinds and statuses are named, so that a kind that comes later is shown.
const hiddenOf = (state, key) => new Set(state["hide-" + key].split(",").filter(Boolean));

function matcher(state) {
  const [kinds, statuses] = [hiddenOf(state, "kind"), hiddenOf(state, "status")];
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  return (row) => {
    if (kinds.has(row.kind) || statuses.has(row.status)) return false;
    const text = [row.system, row.source, row.reason, row.kind, row.status, row.protocol, ...(row.flags || [])]
      .join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  };
}

// Blanks stand last in both directions.
function sorted(rows, column, dir) {
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
