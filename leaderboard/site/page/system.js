// Draw a system's page.

function drawPosition(position) {
  byId("position-section").hidden = false;
  byId("position").append(drawBars("Share of answers, %", position.answers),
    drawBars("Recall by letter, %", position.recall));
}

function drawSystemCalibration(calibration) {
  byId("calibration-section").hidden = false;
  byId("calibration").append(reliabilityFigure(calibration, "Right, %, by probability of the chosen option"));
  byId("calibration-note").textContent = calibrationWords(calibration);
}

function start() {
  const content = data();
  skipLinks();
  drawCards(content.row, content.board_title);
  drawTypes(content.row);
  if (content.position) drawPosition(content.position);
  if (content.calibration) drawSystemCalibration(content.calibration);
  drawCurves(content.history);
  drawFacts(content.row);
  drawItems(content.row, answersOf(content.row.id));
}

start();
