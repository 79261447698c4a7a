// Draw the index page again at every change of its state.

const content = data();
const boards = content.boards.filter((board) => board.rows > 0);
const opens = (boards.find((board) => board.board === content.opens_on) || boards[0])?.board;
const rowsOf = new Map(boards.map((board) => [board.board, content.rows.filter((row) => row.board === board.board)]));
const columnsByBoard = new Map();
const FIRST_ROWS = 60; // number of rows shown first on a long board
const DRAWN = {
  chart: drawChart, types: drawHeat, size: drawScatter, pairs: drawMatrix, claims: drawClaims, table: drawRows,
};
const BOARD_GROUPS = { benchmark: "Boards", set: "Sets named by importers", diagnostic: "Diagnostics" };
let state = null;

function draw() {
  const board = boards.find((each) => each.board === state.board);
  const onBoard = rowsOf.get(state.board);
  if (!columnsByBoard.has(board)) columnsByBoard.set(board, columnsOf(onBoard));
  const columns = columnsByBoard.get(board);
  const by = columns.find((column) => column.key === state.sort) || columns[0];
  const rows = sorted(onBoard.filter(matcher(state)), by, state.dir);
  const shown = state.rows === "all" ? rows.length : FIRST_ROWS;
  drawAnswer(board);
  drawBoardHead(board, rows, onBoard);
  drawFilters(onBoard, state);
  showTab(state.view);
  const cut = DRAWN[state.view](byId("view-" + state.view), { rows, onBoard, board, content, state, columns, by, shown });
  byId("more").hidden = !cut;
  byId("more").textContent = `Show all ${rows.length} systems`;
  if (cut) byId("count").textContent += `, the first ${shown} shown`;
  writeState(state, opens);
}

function drawRows(_, { rows, onBoard, board, columns, by, shown }) {
  byId("table").caption.textContent = `${line(board.title)}: systems with their accuracy`;
  byId("table-tools").hidden = false;
  const chosen = shownOf(columns, state);
  drawTested(onBoard);
  byId("cost-note").textContent = chosen.includes(by) ? costNote(rows, by) : "";
  drawColumnsMenu(columns, state, (cols) => change({ cols }));
  drawSortChoice(chosen, { ...state, sort: by.key });
  const marks = { bars: true, best: board.answer?.best?.row, mixed: mixedStages(onBoard, columns) };
  drawTable(byId("table"), chosen, rows.slice(0, shown), { ...state, sort: by.key }, marks, sortBy);
  return rows.length > shown;
}

function sortBy(column, isCurrent) {
  const turned = state.dir === "asc" ? "desc" : "asc";
  change({ sort: column.key, dir: isCurrent ? turned : column.descends ? "desc" : "asc" });
}

function showControls() {
  byId("board-choice").value = state.board;
  if (byId("search").value !== state.q) byId("search").value = state.q;
}

function change(part) {
  // Use the text being typed, or the field would jump back.
  state = { ...state, q: byId("search").value, ...part };
  showControls();
  draw();
}

// Plots fill the width. A phone's address bar changes only the height, which needs no redraw.
function drawWhenWidthChanges() {
  let [width, waiting] = [innerWidth, null];
  const openFilters = () => { if (innerWidth > 768) byId("filters").open = true; }; // on a phone the filters are closed
  openFilters();
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    openFilters();
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (state.view === "size") draw(); }, 150);
  });
}

function listBoards() {
  for (const [group, title] of Object.entries(BOARD_GROUPS)) {
    const listed = boards.filter((board) => (board.group || "benchmark") === group);
    if (listed.length) {
      byId("board-choice").append(el("optgroup", { label: title }, ...listed.map((board) =>
        el("option", { value: board.board }, `${line(board.title)} (${board.rows})`))));
    }
  }
}

function start() {
  skipLinks();
  if (!boards.length) return;
  byId("controls").hidden = false;
  byId("board-title").classList.add("hidden"); // the list of boards shows the title
  listBoards();
  makeTabs((view) => change({ view }));
  let waiting = null;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => change({ q: event.target.value }), 80);
  });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("claims-switch").addEventListener("change", (event) => change({ claims: event.target.checked ? "on" : "off" }));
  byId("board-choice").addEventListener("change", (event) => change({ board: event.target.value, rows: "" }));
  byId("sort-choice").addEventListener("change", (event) =>
    sortBy(SITE.columns.find((column) => column.key === event.target.value), false));
  byId("more").addEventListener("click", () => { change({ rows: "all" }); byId("board").focus(); });
  addEventListener("hashchange", () => { state = readState(boards, opens); showControls(); draw(); });
  drawWhenWidthChanges();
  state = readState(boards, opens);
  showControls();
  draw();
}

start();
