// The report's own script: theme, figures, leaderboard, copying. Whatever comes from data is set as text, never as markup.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("page-data").textContent);
  const root = document.documentElement;
  const byId = (name) => document.getElementById(name);

  // --- theme ---------------------------------------------------------------------------------------------------------
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => { try { return localStorage.getItem("autokeras-lite-theme"); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem("autokeras-lite-theme", theme); } catch { /* not kept */ } };
  let isPrinting = false;
  const theme = () => {
    if (isPrinting) return "light";
    return root.dataset.theme || (prefersDark.matches ? "dark" : "light");
  };
  const button = byId("theme");
  const showTheme = () => {
    const other = theme() === "dark" ? "Light" : "Dark";
    button.textContent = other;
    button.setAttribute("aria-label", `${other} colours`);
    for (const place of document.querySelectorAll(".plot[data-drawn]")) {
      window.Plotly.relayout(place, { template: data.templates[theme()] });
    }
  };
  if (["dark", "light"].includes(remembered())) root.dataset.theme = remembered();
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    remember(root.dataset.theme);
    showTheme();
  });
  prefersDark.addEventListener("change", showTheme);

  // --- figures -------------------------------------------------------------------------------------------------------
  const settings = { displayModeBar: false, displaylogo: false, responsive: true, showTips: false, doubleClick: false };
  const withTemplate = (layout) => ({ ...layout, autosize: true, dragmode: false, template: data.templates[theme()] });
  // On a phone panels stand below each other instead of beside each other.
  const stacked = (place, layout) => {
    const axes = Object.keys(layout).filter((key) => key.startsWith("xaxis") && layout[key].anchor);
    const isBeside = axes.some((key) => layout[key].domain && layout[key].domain[0] > 0);
    if (place.clientWidth > 560 || !isBeside || axes.length < 2) return layout;
    const made = { ...layout, height: 90 + 250 * axes.length };
    const gap = 80 / made.height, high = (1 - gap * (axes.length - 1)) / axes.length;
    axes.forEach((key, index) => {
      const other = `yaxis${layout[key].anchor.slice(1)}`;
      const top = 1 - index * (high + gap);
      made[key] = { ...layout[key], domain: [0, 1] };
      made[other] = { ...layout[other], domain: [Math.max(0, top - high), top], showticklabels: true };
    });
    place.style.setProperty("--height", `${made.height}px`);
    return made;
  };
  const drawings = new Map();  // what is pressed while a figure is being drawn waits for that
  const draw = (place) => {
    if (!window.Plotly) return undefined;
    if (!drawings.has(place)) {
      place.dataset.drawn = "yes";
      const figure = data.figures[place.dataset.figure];
      const layout = withTemplate(stacked(place, figure.layout));
      drawings.set(place, window.Plotly.newPlot(place, figure.data, layout, settings));
    }
    return drawings.get(place);
  };
  const unpack = async () => {
    const packed = Uint8Array.from(atob(byId("plotly-source").textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const library = document.createElement("script");
    library.textContent = await new Response(stream).text();
    document.head.append(library);
    return window.Plotly;
  };
  let library = null;
  const load = () => { library ??= unpack(); return library; };
  const watcher = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      load().then(() => draw(target));
    }
  }, { rootMargin: "300px 0px" });
  const places = [...document.querySelectorAll(".plot[data-figure]")];
  places.forEach((place) => watcher.observe(place));
  const later = window.requestIdleCallback || ((work) => setTimeout(work, 500));
  if (places.length) window.addEventListener("load", () => later(() => load()));

  // --- controls of figures: outside of them, where a keyboard reaches them -------------------------------------------
  const plotOf = (controls) => document.querySelector(`.plot[data-figure="${controls.dataset.for}"]`);
  const drawn = async (target) => { await load(); watcher.unobserve(target); await draw(target); return target; };
  for (const group of document.querySelectorAll(".choices")) {
    const target = plotOf(group);
    const buttons = [...group.querySelectorAll("button")];
    group.hidden = false;
    buttons.forEach((chosen, index) => chosen.addEventListener("click", async () => {
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === chosen)));
      const [traces, layout] = data.figures[target.dataset.figure].choices[index];
      window.Plotly.update(await drawn(target), traces, layout);
    }));
  }
  for (const keep of document.querySelectorAll(".keep")) {
    const target = plotOf(keep);
    const figure = data.figures[target.dataset.figure];
    const { dimensions, customdata } = figure.data[0];
    const selects = [...keep.querySelectorAll("select")];
    const chosen = () => selects.map((select, axis) => (select.value === "" ? null : figure.filters[axis][select.value]));
    const tell = () => {
      const wanted = chosen();
      const passes = (place) => wanted.every((range, axis) => {
        const value = dimensions[axis].values[place];
        return !range || (value !== null && value >= range.low && value <= range.high);
      });
      const kept = customdata.filter((_, place) => passes(place)).reverse();  // the worst come first in the figure
      const named = kept.slice(0, 20).join(", ") + (kept.length > 20 ? " and others" : "");
      const which = kept.length ? `, best first: ${kept.length === 1 ? "trial" : "trials"} ${named}` : "";
      keep.querySelector(".state").textContent = `${kept.length} of ${customdata.length} trials are kept${which}.`;
    };
    selects.forEach((select, axis) => select.addEventListener("change", async () => {
      tell();
      const range = chosen()[axis];
      const key = `dimensions[${axis}].constraintrange`;
      window.Plotly.restyle(await drawn(target), { [key]: [range && [range.low, range.high]] });
    }));
    keep.hidden = false;
    tell();
  }

  // --- paper ---------------------------------------------------------------------------------------------------------
  let closed = [];
  window.addEventListener("beforeprint", () => {
    isPrinting = true;
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((part) => { part.open = true; });
    places.forEach(draw);
    showTheme();
  });
  window.addEventListener("afterprint", () => {
    isPrinting = false;
    closed.forEach((part) => { part.open = false; });
    showTheme();
  });
  showTheme();

  // --- copying -------------------------------------------------------------------------------------------------------
  const copyText = async (source) => {
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      getSelection().selectAllChildren(source);
      document.execCommand("copy");
    }
  };
  for (const copy of document.querySelectorAll(".copy")) {
    copy.hidden = false;
    const label = copy.firstChild;
    copy.addEventListener("click", async () => {
      await copyText(copy.parentElement.querySelector("code"));
      label.textContent = "Copied";
      setTimeout(() => { label.textContent = "Copy"; }, 2000);
    });
  }

  // --- leaderboard ---------------------------------------------------------------------------------------------------
  const board = data.board;
  if (!byId("board") || !board) return;
  const { columns, rows, size } = board;
  const place = (name) => columns.findIndex((column) => column.name === name);
  const STATUS = place("status"), FAMILY = place("family");
  const state = { sorted: 0, isDown: false, page: 0, shown: rows };

  const showNumber = (value) => {
    const most = Math.abs(value);
    if (Number.isInteger(value)) return value.toLocaleString("en-US");
    if (most >= 0.01 && most < 1000) return value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
    return String(Number(value.toPrecision(3)));
  };
  const showScore = (value) => {
    const most = Math.abs(value);
    return (most >= 0.01 && most < 100) || value === 0 ? value.toFixed(4) : String(Number(value.toPrecision(4)));
  };
  const write = (value, kind) => {
    if (value === null) return kind === "score" ? "-" : "";
    if (typeof value !== "number") return String(value);
    return kind === "score" ? showScore(value) : showNumber(value);
  };
  const compare = (one, other) => {
    if (one === null || other === null) return one === other ? 0 : one === null ? 2 : -2;
    if (typeof one === "number" && typeof other === "number") return Math.sign(one - other);
    return Math.sign(String(one).localeCompare(String(other), "en", { numeric: true }));
  };
  const wanted = () => {
    const words = byId("board-find").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [status, family] = [byId("board-status").value, byId("board-family").value];
    return rows.filter((row) => {
      if ((status && row[STATUS] !== status) || (family && row[FAMILY] !== family)) return false;
      if (!words.length) return true;
      const text = row.map((value, index) => write(value, columns[index].kind)).join("\t").toLowerCase();
      return words.every((word) => text.includes(word));
    });
  };
  const sort = (some) => {
    const sign = state.isDown ? -1 : 1;
    return [...some].sort((a, b) => {
      const order = compare(a[state.sorted], b[state.sorted]);
      return Math.abs(order) === 2 ? order : sign * order;  // what is missing stands last in both directions
    });
  };
  const makeRow = (row) => {
    const line = document.createElement("tr");
    line.dataset.status = row[STATUS];
    row.forEach((value, index) => {
      const cell = line.insertCell();
      const { kind } = columns[index];
      if (kind !== "text") cell.className = "number";
      cell.textContent = write(value, kind);
    });
    return line;
  };
  const heads = [...byId("board").tHead.rows[0].cells];
  const show = () => {
    const pages = Math.max(1, Math.ceil(state.shown.length / size));
    state.page = Math.min(Math.max(0, state.page), pages - 1);
    const from = state.page * size;
    const some = state.shown.slice(from, from + size);
    byId("board").tBodies[0].replaceChildren(...some.map(makeRow));
    heads.forEach((head, index) => {
      if (index === state.sorted) head.setAttribute("aria-sort", state.isDown ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const all = rows.length === state.shown.length ? "" : ` found, of ${rows.length.toLocaleString("en-US")}`;
    const range = some.length ? `${(from + 1).toLocaleString("en-US")} to ${(from + some.length).toLocaleString("en-US")}` : "None";
    byId("board-state").textContent = `${range} of ${state.shown.length.toLocaleString("en-US")} trials${all}`;
    byId("board-back").disabled = state.page === 0;
    byId("board-on").disabled = state.page === pages - 1;
    byId("board-pager").hidden = pages === 1;
  };
  const refresh = () => { state.page = 0; state.shown = sort(wanted()); show(); };
  heads.forEach((head, index) => {
    const sorter = document.createElement("button");
    sorter.type = "button";
    sorter.textContent = columns[index].name;
    sorter.addEventListener("click", () => {
      state.isDown = state.sorted === index ? !state.isDown : false;
      state.sorted = index;
      refresh();
    });
    head.replaceChildren(sorter);
  });
  const fill = (select, index) => {
    for (const value of [...new Set(rows.map((row) => row[index]))].sort()) select.add(new Option(value, value));
    select.addEventListener("change", refresh);
    select.parentElement.hidden = select.options.length < 3;
  };
  fill(byId("board-status"), STATUS);
  fill(byId("board-family"), FAMILY);
  byId("board-find").addEventListener("input", refresh);
  byId("board-back").addEventListener("click", () => { state.page -= 1; show(); });
  byId("board-on").addEventListener("click", () => { state.page += 1; show(); });
  byId("board-filters").hidden = false;
  refresh();
})();
