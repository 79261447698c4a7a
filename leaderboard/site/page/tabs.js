// Show the views of a board as tabs. Arrow keys move between tabs. The Tab key reaches only the chosen tab.

function makeTabs(onChoose) {
  const list = byId("tabs");
  const buttons = [...list.querySelectorAll("button")];
  list.setAttribute("role", "tablist");
  list.hidden = false;
  buttons.forEach((button, k) => {
    const panel = byId("view-" + button.dataset.view);
    fill(button, { role: "tab", "aria-controls": panel.id });
    fill(panel, { role: "tabpanel", "aria-labelledby": button.id });
    button.addEventListener("click", () => onChoose(button.dataset.view));
    button.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: buttons.length - 1 };
      if (!(event.key in steps)) return;
      event.preventDefault();
      const next = buttons[(steps[event.key] + buttons.length) % buttons.length];
      next.focus();
      onChoose(next.dataset.view);
    });
  });
}

function showTab(view) {
  for (const button of byId("tabs").querySelectorAll("button")) {
    const chosen = button.dataset.view === view;
    button.setAttribute("aria-selected", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
    byId("view-" + button.dataset.view).hidden = !chosen;
  }
}
