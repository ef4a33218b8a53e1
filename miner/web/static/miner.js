"use strict";
// The pages work without this file. It adds keys, a link to copy, and the way through the list that a row was opened from.
(() => {
  const list = (selector, root = document) => [...root.querySelectorAll(selector)];
  const keep = (name, value) => { try { sessionStorage.setItem(name, value); } catch { /* storage may be off */ } };
  const kept = (name) => { try { return sessionStorage.getItem(name); } catch { return null; } };
  const setting = (value) => { try { if (value !== undefined) localStorage.setItem("miner-keys", value); return localStorage.getItem("miner-keys") !== "off"; } catch { return true; } };

  const share = document.getElementById("share");
  if (share && navigator.clipboard) {
    share.hidden = false;
    share.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(location.href); share.textContent = "Copied"; } catch { share.textContent = "Not allowed"; }
      setTimeout(() => { share.textContent = "Copy link"; }, 1500);
    });
  }

  const toggle = document.getElementById("keys-switch");
  if (toggle) {
    const told = () => { toggle.textContent = setting() ? "Switch the keys off" : "Switch the keys on"; };
    toggle.hidden = false;
    toggle.addEventListener("click", () => { setting(setting() ? "off" : "on"); told(); });
    told();
  }

  const rows = list("tr.row");
  const links = rows.map((row) => row.querySelector(".what a").getAttribute("href"));
  if (rows.length && document.body.dataset.page !== "") {
    keep("miner-list", JSON.stringify({ from: location.pathname + location.search, rows: links }));
  }

  const steps = document.getElementById("steps");
  let around = {};
  if (steps || document.getElementById("back")) {
    let held = null;
    try { held = JSON.parse(kept("miner-list")); } catch { held = null; }
    const isOwn = (path) => typeof path === "string" && path.startsWith("/") && !path.startsWith("//");
    if (held && isOwn(held.from) && Array.isArray(held.rows)) {
      const back = document.getElementById("back");
      if (back) back.setAttribute("href", held.from);
      const place = held.rows.findIndex((path) => decodeURIComponent(path) === decodeURIComponent(location.pathname));
      if (place >= 0 && steps) {
        around = { p: held.rows[place - 1], n: held.rows[place + 1] };
        for (const [key, words] of [["p", "← previous row"], ["n", "next row →"]]) {
          if (!isOwn(around[key])) continue;
          const link = document.createElement("a");
          link.href = around[key];
          link.textContent = words;
          steps.append(link);
        }
        steps.hidden = false;
      }
    }
  }

  const stops = rows.length ? rows : list(".evid");
  let here = -1;
  const go = (to) => {
    if (!stops.length) return;
    if (stops[here]) stops[here].classList.remove("here");
    here = Math.max(0, Math.min(stops.length - 1, to));
    stops[here].classList.add("here");
    (stops[here].querySelector(".what a") || stops[here]).focus({ preventScroll: true });
    stops[here].scrollIntoView({ block: "nearest" });
  };
  const press = (key) => {
    const at = stops[here];
    const name = { a: "accept", r: "reject", c: "comment" }[key];
    if (at && at.matches(".evid") && (name || key === "e")) {
      return name ? at.querySelector(`.decide button[value="${name}"]`) : at.querySelector(".edit > summary");
    }
    return document.querySelector(`[data-key="${key}"]`);
  };
  const decide = (key) => {
    const target = press(key);
    if (!target) return false;
    const form = target.closest("form");
    const needed = form && form.querySelector("input[required]");
    const say = key === "c" && form ? form.querySelector('[name="comment"]') : null;
    if (needed && !needed.value) { needed.focus(); return true; }
    if (say && !say.value) { say.focus(); return true; }
    target.click();
    if (key === "e") { const first = target.parentElement.querySelector("select, input:not([type=hidden])"); if (target.parentElement.open && first) first.focus(); }
    return true;
  };
  const follow = (selector) => { const link = document.querySelector(selector); if (link) link.click(); return Boolean(link); };

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, select, textarea");
    if (event.key === "Escape" && field) { field.blur(); return; }
    if (field && field.type !== "checkbox" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !setting()) return;
    const acts = {
      "/": () => { (document.getElementById("q") && document.getElementById("q").offsetParent ? document.getElementById("q") : document.getElementById("find")).focus(); return true; },
      "?": () => { location.assign("/about#keys"); return true; },
      j: () => { go(here + 1); return true; },
      k: () => { go(here - 1); return true; },
      n: () => around.n ? (location.assign(around.n), true) : follow('[rel="next"]'),
      p: () => around.p ? (location.assign(around.p), true) : follow('[rel="prev"]'),
      b: () => follow("#back"),
      u: () => decide("u"),
      a: () => decide("a"), r: () => decide("r"), c: () => decide("c"), e: () => decide("e"),
    };
    if (acts[event.key] && acts[event.key]()) event.preventDefault();
  });

  // A decision is sent once, however often the button is pressed.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
    setTimeout(() => { delete event.target.dataset.sent; }, 4000);
  });
})();
