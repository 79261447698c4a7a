// A system's page: what is drawn where, and the filters of its items.

function drawPosition(position) {
  byId("position-section").hidden = false;
  byId("position").append(drawBars("Share of answers, %", position.answers),
    drawBars("Recall by letter, %", position.recall));
}

function drawItems(row, answers) {
  if (!answers.length) {
    byId("items-note").textContent = "There are no items to show: the figure was taken over from elsewhere.";
    return;
  }
  const orders = ordersOf(row);
  const table = itemsTable(answers, orders);
  byId("items").append(table);
  byId("items").hidden = byId("item-controls").hidden = false;
  const hasTexts = answers.some(([id]) => itemOf(id).query);
  byId("items-note").textContent = (hasTexts ? "A query opens its five options. " : "Ids alone: this page was built "
    + "without the dataset at hand. ") + orders.says
    + (answers.some((answer) => answer[3]) ? " Percentages under A to E: the scores as probabilities." : "");
  const types = [...new Set(answers.flatMap(([id]) => itemOf(id).types || []))].sort();
  byId("type-choice").append(...types.map((name) => el("option", { value: name }, name)));
  if (answers.some(([, accuracy]) => resultOf(accuracy) === "tied")) {
    byId("result-choice").append(el("option", { value: "tied" }, orders.several ? "partly" : "tied"));
  }
  filterOn(answers, [...table.tBodies[0].rows]);
}

const resultOf = (accuracy) => (accuracy === 1 ? "right" : accuracy > 0 ? "tied" : "wrong");

function filterOn(answers, lines) {
  const texts = answers.map(([id]) =>
    [id, itemOf(id).query, ...Object.values(itemOf(id).options || {})].join(" ").toLowerCase());
  const filter = () => {
    const [result, type] = [byId("result-choice").value, byId("type-choice").value];
    const words = byId("item-search").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    answers.forEach(([id, accuracy], k) => {
      const fits = (!result || result === resultOf(accuracy)) && (!type || (itemOf(id).types || []).includes(type))
        && words.every((word) => texts[k].includes(word));
      lines[k].hidden = !fits;
      shown += fits;
    });
    byId("item-count").textContent = `${shown} of ${answers.length} items`;
  };
  for (const id of ["result-choice", "type-choice", "item-search"]) byId(id).addEventListener("input", filter);
  byId("item-controls").addEventListener("submit", (event) => event.preventDefault());
  filter();
}

function start() {
  const content = data();
  skipLinks();
  drawCards(content.row, content.board_title);
  drawTypes(content.row);
  if (content.position) drawPosition(content.position);
  drawCurves(content.history);
  drawFacts(content.row);
  drawItems(content.row, data("answers"));
}

start();
