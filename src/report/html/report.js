"use strict";
// Sorts, filters, and switches between light and dark. The page is complete
// without it.
(() => {
  const root = document.documentElement;

  // The system's colour scheme, until the button changes it.
  const theme = document.getElementById("theme");
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);
  const label = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    label();
  });
  systemDark.addEventListener("change", label);
  theme.hidden = false;
  label();

  const table = document.getElementById("table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows].map((element) => ({
    element,
    text: (element.cells[0].textContent + " " + element.cells[1].textContent).toLowerCase(),
    outcome: element.dataset.outcome,
    folded: element.hasAttribute("data-folded"),
    link: element.querySelector("a"),
  }));

  // A card is shown as long as one of its rows is.
  const filter = document.getElementById("filter");
  const text = document.getElementById("text");
  const folded = document.getElementById("folded");
  const shown = document.getElementById("shown");
  const outcomes = [...filter.querySelectorAll("input[name=outcome]")];
  const number = new Intl.NumberFormat("en");
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(outcomes.filter((box) => box.checked).map((box) => box.value));
    const cards = new Set();
    let count = 0;
    for (const row of rows) {
      const visible =
        (!row.outcome || wanted.has(row.outcome)) &&
        (!row.folded || folded.checked) &&
        words.every((word) => row.text.includes(word));
      row.element.hidden = !visible;
      if (!visible) continue;
      count += 1;
      if (row.link) cards.add(row.link.hash.slice(1));
    }
    for (const card of document.querySelectorAll("#cards > article")) {
      card.hidden = !cards.has(card.id);
    }
    shown.textContent = `${number.format(count)} of ${number.format(rows.length)} rows`;
  };
  filter.addEventListener("input", apply);
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.hidden = false;

  // Cells without a value come last in both directions.
  const heads = [...table.tHead.rows[0].cells];
  const sort = (column) => {
    const head = heads[column];
    const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    const byNumber = head.dataset.sort === "number";
    const key = ({ element }) => {
      const cell = element.cells[column];
      if (!byNumber) return cell.textContent;
      return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
    };
    const order = new Intl.Collator("en", { numeric: true });
    const sorted = rows.map((row) => [key(row), row.element]).sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return direction * (byNumber ? a - b : order.compare(a, b));
    });
    body.append(...sorted.map(([, element]) => element));
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(column));
    head.replaceChildren(button);
  });
  apply();
})();
