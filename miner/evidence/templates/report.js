"use strict";
(() => {
  const STEP = 100;
  const data = JSON.parse(document.getElementById("data").textContent);
  const body = document.getElementById("rows");
  const head = document.querySelector("#evidence thead");
  const form = document.getElementById("filters");
  const status = document.getElementById("count");
  const more = document.getElementById("next");
  const query = document.getElementById("q");
  const picks = { type: document.getElementById("f-type"), stance: document.getElementById("f-stance"), level: document.getElementById("f-level") };
  const origin = document.getElementById("f-synthetic");
  const subset = document.getElementById("subset");
  let keys = null;
  const names = { for: "found", against: "not found or against", hedged: "cautious" };
  let sort = null;
  let shown = data.rows;
  let drawn = 0;

  const make = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const SVG = "http://www.w3.org/2000/svg";
  const shapes = {
    for: [["circle", { cx: 6, cy: 6, r: 5, class: "g-for" }]],
    against: [["path", { d: "M1 1h10v10H1z", class: "g-against" }], ["path", { d: "M3.4 3.4l5.2 5.2M8.6 3.4L3.4 8.6", class: "g-cross" }]],
    hedged: [["path", { d: "M6 .6L11.4 6 6 11.4.6 6z", class: "g-hedged" }]],
  };
  const glyph = (stance) => {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "glyph"); svg.setAttribute("viewBox", "0 0 12 12"); svg.setAttribute("role", "img"); svg.setAttribute("aria-label", names[stance]);
    for (const [tag, attributes] of shapes[stance]) {
      const shape = document.createElementNS(SVG, tag);
      for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
      svg.append(shape);
    }
    return svg;
  };
  const source = (pmid) => /^[0-9]+$/.test(pmid)
    ? make("a", { href: `https://pubmed.ncbi.nlm.nih.gov/${pmid}/`, rel: "noopener noreferrer" }, `PMID ${pmid}`)
    : make("span", {}, pmid, data.papers[pmid].synthetic ? " " : null, data.papers[pmid].synthetic ? badge("synthetic") : null);
  const badge = (text) => make("span", { class: "badge" }, text);

  // Offsets count characters, JavaScript counts UTF-16 units: texts beyond the basic plane are cut as arrays.
  const cutter = (text) => {
    if (!/[\ud800-\udfff]/.test(text)) return (start, end) => text.slice(start, end);
    const letters = Array.from(text);
    return (start, end) => letters.slice(start, end).join("");
  };
  const length = (text) => (/[\ud800-\udfff]/.test(text) ? Array.from(text).length : text.length);

  const abstractOf = (paper, spans) => {
    const slice = cutter(paper.text);
    const edges = new Set([0, length(paper.text), paper.title]);
    for (const [start, end] of [...spans, ...paper.marks]) { edges.add(start); edges.add(end); }
    const cuts = [...edges].sort((a, b) => a - b);
    const node = make("p", { class: "abstract" });
    for (let i = 0; i + 1 < cuts.length; i += 1) {
      const [start, end] = [cuts[i], cuts[i + 1]];
      const mark = paper.marks.find((m) => m[0] <= start && end <= m[1]);
      let piece = document.createTextNode(slice(start, end));
      if (mark) piece = make("mark", { class: `m ${mark[2]} ${mark[3]}`, title: mark[4] }, piece);
      if (spans.some((s) => s[0] <= start && end <= s[1])) piece = make("span", { class: "in" }, piece);
      if (end <= paper.title) piece = make("span", { class: "ttl" }, piece);
      node.append(piece);
    }
    return node;
  };

  const details = (row) => {
    const cell = make("td", { colspan: 8 });
    for (const item of row.evidence) {
      const paper = data.papers[item.pmid];
      const facts = [paper.journal, paper.year, item.study, `level ${item.level}`, item.patients ? `n = ${item.patients.toLocaleString("en")}` : null,
        item.background ? "repeats others" : null, `characters ${item.spans.map((s) => s.join("–")).join(", ")}`].filter(Boolean);
      const cite = make("p", { class: "cite" }, glyph(item.stance), " ", source(item.pmid), ` · ${facts.join(" · ")}`);
      for (const flag of paper.flags) cite.append(" · ", make("strong", { class: "flag" }, flag));
      cell.append(make("article", {}, make("p", { class: "soft" }, item.statement), cite, ...item.warnings.map((text) => make("p", { class: "warn" }, text)), abstractOf(paper, item.spans)));
    }
    return make("tr", { class: "more" }, cell);
  };

  const line = (row) => {
    const open = make("button", { type: "button", "aria-expanded": "false" },
      make("span", { class: "prop" }, make("strong", {}, row.profile || row.therapies || "No alteration stated"), " ",
        row.profile && row.therapies ? make("span", { class: "drug" }, row.therapies) : null),
      make("span", { class: "where" }, [row.type.replaceAll("_", " "), row.disease].filter(Boolean).join(" · ")));
    const cell = (label, cls, ...children) => make("td", { "data-label": label, class: cls }, ...children);
    const figures = cell("Figures", "fig", row.figures ? make("span", { class: row.figures.length > 90 ? "fig long" : null, title: row.figures.length > 90 ? row.figures : null }, row.figures) : null);
    const node = make("tr", { class: "row", id: `row-${row.key}` },
      make("td", { class: "what" }, open),
      cell("Finding", null, glyph(row.stance), ` ${row.finding}`, row.flag ? make("span", { class: "warn", title: "see the warnings inside", role: "img", "aria-label": "has warnings" }) : null),
      cell("Level", null, make("span", { class: `level l${row.level}` }, row.level)),
      cell("Papers", "num", String(row.papers), row.synthetic ? " " : null, row.synthetic ? badge(row.synthetic === row.papers ? "synthetic" : `${row.synthetic} synthetic`) : null),
      cell("Patients", "num", row.patients ? row.patients.toLocaleString("en") : null),
      figures,
      cell("Years", "num", [...new Set(row.years)].join("–")),
      cell("Support", "num", String(row.support)));
    open.addEventListener("click", () => toggle(node, open, row));
    return node;
  };
  const toggle = (node, open, row) => {
    const opened = open.getAttribute("aria-expanded") === "true";
    open.setAttribute("aria-expanded", String(!opened));
    node.classList.toggle("open", !opened);
    if (opened) node.nextElementSibling.remove(); else node.after(details(row));
  };

  const words = new Map();
  const indexOf = (row) => {
    if (!words.has(row.key)) {
      const parts = [row.type.replaceAll("_", " "), row.profile, row.disease, row.therapies, row.finding, row.figures];
      for (const item of row.evidence) {
        const paper = data.papers[item.pmid];
        const slice = cutter(paper.text);
        parts.push(item.pmid, item.statement, item.study, ...paper.flags, ...item.spans.map((s) => slice(s[0], s[1])));
      }
      words.set(row.key, parts.join(" ").toLowerCase());
    }
    return words.get(row.key);
  };
  const value = (row, by) => by === "years" ? (row.years[1] || row.years[0] || 0) : by === "patients" ? (row.patients || 0) : by === "profile" ? `${row.profile || "~"} ${row.therapies}` : row[by];

  const draw = () => {
    const next = shown.slice(drawn, drawn + STEP);
    body.append(...next.map(line));
    drawn += next.length;
    more.hidden = drawn >= shown.length;
  };
  const apply = () => {
    const terms = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const real = (row) => !origin || !origin.value || (origin.value === "yes" ? row.synthetic > 0 : row.synthetic < row.papers);
    shown = data.rows.filter((row) => (!keys || keys.has(row.key)) && real(row) && Object.entries(picks).every(([name, pick]) => !pick.value || row[name] === pick.value)
      && terms.every((term) => indexOf(row).includes(term)));
    if (sort) {
      shown.sort((a, b) => {
        const [x, y] = [value(a, sort.by), value(b, sort.by)];
        const order = typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en");
        return sort.down ? -order : order;
      });
    }
    status.textContent = shown.length === data.rows.length ? `${shown.length.toLocaleString("en")} rows` : `${shown.length.toLocaleString("en")} of ${data.rows.length.toLocaleString("en")} rows`;
    body.replaceChildren();
    drawn = 0;
    draw();
    if (!shown.length) body.append(make("tr", { class: "row" }, make("td", { colspan: 8 }, "Nothing fits; clear a filter.")));
  };

  head.querySelectorAll("th").forEach((th) => {
    const by = th.dataset.sort;
    const button = make("button", { type: "button" }, th.textContent);
    th.replaceChildren(button);
    button.addEventListener("click", () => {
      sort = { by, down: sort && sort.by === by ? !sort.down : ["papers", "patients", "years", "support"].includes(by) };
      head.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
      apply();
    });
  });
  let wait;
  query.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(apply, 120); });
  Object.values(picks).forEach((pick) => pick.addEventListener("change", apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  if (origin) origin.addEventListener("change", apply);
  const pick = (chosen, what) => {
    keys = chosen;
    subset.hidden = !chosen;
    if (chosen) subset.firstElementChild.textContent = `${chosen.size.toLocaleString("en")} row${chosen.size === 1 ? "" : "s"} behind “${what}”`;
    apply();
  };
  subset.querySelector("button").addEventListener("click", () => pick(null));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-keys]");
    if (!link || !link.dataset.keys.includes(" ")) return;
    event.preventDefault();
    form.reset();
    pick(new Set(link.dataset.keys.split(" ")), link.dataset.what);
    document.getElementById("table").scrollIntoView();
    if (shown.length) body.querySelector("button").focus({ preventScroll: true });
  });
  form.addEventListener("reset", () => setTimeout(apply));
  more.addEventListener("click", draw);
  new IntersectionObserver((entries) => { if (entries[0].isIntersecting && !more.hidden) draw(); }, { rootMargin: "600px" }).observe(document.getElementById("end"));

  const goTo = () => {
    const key = decodeURIComponent(location.hash).replace(/^#row-/, "");
    if (key === decodeURIComponent(location.hash)) return;
    let place = shown.findIndex((row) => row.key === key);
    if (place < 0) {
      form.reset(); sort = null; pick(null);
      place = shown.findIndex((row) => row.key === key);
    }
    if (place < 0) return;
    while (drawn <= place) draw();
    const node = document.getElementById(`row-${key}`);
    const open = node.querySelector("button");
    if (open.getAttribute("aria-expanded") !== "true") open.click();
    node.scrollIntoView({ block: "start", behavior: "instant" });
    open.focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", goTo);

  const tabs = new Map([...document.querySelectorAll(".tabs a")].map((a) => [a.hash.slice(1), a]));
  const spy = new IntersectionObserver((entries) => {
    const entry = entries.find((item) => item.isIntersecting);
    if (!entry) return;
    tabs.forEach((a, id) => {
      a.classList.toggle("here", id === entry.target.id);
      if (id === entry.target.id) a.setAttribute("aria-current", "true"); else a.removeAttribute("aria-current");
    });
  }, { rootMargin: "-30% 0px -65% 0px" });
  document.querySelectorAll("main > section").forEach((section) => spy.observe(section));

  form.hidden = false;
  apply();
  goTo();
})();
