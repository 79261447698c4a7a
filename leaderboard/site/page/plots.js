// Draw the plots of a board at the width of the window, for all systems or for one kind.

const PLOT_STATE = { kind: "", claims: "", hardware: "" };
const board = data();
const PLOTS = {
  forest: drawForest,
  params: (place, drawn) => drawAgainst(place, drawn, "params"),
  seconds: (place, drawn) => drawTimes(place, drawn, state.hardware, (hardware) => { state = { ...state, hardware }; draw(); }),
  types: drawTypeHeat,
  calibration: drawCalibration,
  agreement: drawAgreement,
  difficulty: drawDifficulty,
};
let state = null;

function draw() {
  const rows = board.systems.filter((row) => (!state.kind || row.kind === state.kind)
    && (row.rank || (state.claims === "show" ? row.evidence === "claimed" : !board.systems.some((each) => each.rank))));
  const drawn = { rows, onBoard: board.systems, board, content: board, agreement: board.agreement, calibrations: board.calibration };
  // The numbers of items and pairs do not depend on the filter.
  for (const [name, plot] of Object.entries(PLOTS)) {
    plot(byId("plot-" + name), ["agreement", "difficulty"].includes(name) ? { ...drawn, rows: board.systems } : drawn);
  }
  writeHash(state, PLOT_STATE);
}

function start() {
  skipLinks();
  const kinds = [...new Set(board.systems.filter((row) => row.rank).map((row) => row.kind))].sort();
  byId("kind-choice").append(...kinds.map((kind) => el("option", { value: kind }, kind)));
  byId("controls").hidden = false;
  bindFields(byId("controls"), (part) => { state = { ...state, ...part }; draw(); });
  let [width, waiting] = [innerWidth, null];
  addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone's address bar changes only the height
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(draw, 150);
  });
  const read = () => {
    state = readHash(PLOT_STATE);
    showFields(byId("controls"), state);
    draw();
  };
  addEventListener("hashchange", read);
  read();
}

start();
