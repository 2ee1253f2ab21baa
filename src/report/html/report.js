"use strict";
// Sorting, filtering and the lights. The page is whole without it.
(() => {
  const root = document.documentElement;

  // The lights: the system's choice, until another one is made here.
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
  const rows = [...body.rows].map((row) => ({
    row,
    text: (row.cells[0].textContent + " " + row.cells[1].textContent).toLowerCase(),
    outcome: row.dataset.outcome,
    aside: row.hasAttribute("data-aside"),
    link: row.querySelector("a"),
  }));

  // A card is shown as long as one of its rows is.
  const filter = document.getElementById("filter");
  const text = document.getElementById("text");
  const aside = document.getElementById("aside");
  const shown = document.getElementById("shown");
  const outcomes = [...filter.querySelectorAll("input[name=outcome]")];
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(outcomes.filter((box) => box.checked).map((box) => box.value));
    const cards = new Set();
    let count = 0;
    for (const one of rows) {
      const visible =
        (!one.outcome || wanted.has(one.outcome)) &&
        (!one.aside || !aside || aside.checked) &&
        words.every((word) => one.text.includes(word));
      one.row.hidden = !visible;
      if (!visible) continue;
      count += 1;
      if (one.link) cards.add(one.link.hash.slice(1));
    }
    for (const card of document.querySelectorAll("#cards > article")) {
      card.hidden = !cards.has(card.id);
    }
    shown.textContent = `${count} of ${rows.length} rows`;
  };
  filter.addEventListener("input", apply);
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.hidden = false;

  // What has no value comes last, whichever way the rest is sorted.
  const heads = [...table.tHead.rows[0].cells];
  const sort = (column) => {
    const head = heads[column];
    const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
    const byNumber = head.dataset.sort === "number";
    const key = ({ row }) => {
      const cell = row.cells[column];
      if (!byNumber) return cell.textContent;
      return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
    };
    const order = new Intl.Collator("en", { numeric: true });
    const sorted = rows.map((one) => [key(one), one.row]).sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return way * (byNumber ? a - b : order.compare(a, b));
    });
    body.append(...sorted.map(([, row]) => row));
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
