"use strict";
// All of this is comfort: without it the page says the same.
(() => {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);

  const show = (target) => {
    const place = target.getBoundingClientRect();
    tip.textContent = target.dataset.tip;
    target.setAttribute("aria-describedby", "tip");
    tip.hidden = false;
    const left = Math.min(place.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(left, 8) + window.scrollX}px`;
    tip.style.top = `${place.bottom + window.scrollY + 6}px`;
  };
  const hide = () => { tip.hidden = true; };
  const explain = (target, text) => {
    target.dataset.tip = text;
    target.removeAttribute("title");
    for (const event of ["mouseenter", "focus"]) target.addEventListener(event, () => show(target));
    for (const event of ["mouseleave", "blur"]) target.addEventListener(event, hide);
  };
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  const keyOf = (row, at) => {
    const cell = row.cells[at];
    if (!("sort" in cell.dataset)) return cell.textContent;
    return cell.dataset.sort === "" ? null : Number(cell.dataset.sort);
  };
  const compare = (left, right) => {
    if (left === null || right === null) return (left === null) - (right === null);
    if (typeof left === "number" && typeof right === "number") return left - right;
    return String(left).localeCompare(String(right), document.documentElement.lang, { numeric: true });
  };
  const sort = (table, head) => {
    const at = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = [...table.tBodies[0].rows].map((row) => [keyOf(row, at), row]);
    keyed.sort(([left], [right]) => {
      const found = compare(left, right);
      return down && left !== null && right !== null ? -found : found; // what is missing stays last
    });
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  };

  for (const table of document.querySelectorAll("table")) {
    for (const head of table.tHead.rows[0].cells) {
      const abbr = head.querySelector("abbr");
      const button = document.createElement("button");
      button.type = "button";
      button.append(...(abbr ? abbr.childNodes : head.childNodes));
      head.replaceChildren(button);
      button.addEventListener("click", () => sort(table, head));
      if (abbr) explain(button, abbr.title);
    }
  }
  for (const tile of document.querySelectorAll(".tile[title]")) {
    tile.tabIndex = 0;
    explain(tile, tile.title);
  }
  const contents = document.querySelector("nav details");
  if (contents && window.matchMedia("(max-width: 74.99rem)").matches) contents.open = false;

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open])")];
    for (const each of opened) each.open = true;
  });
  window.addEventListener("afterprint", () => { for (const each of opened) each.open = false; });
})();
