// Two runs side by side. All that is compared comes from Python; here it is only laid out.
const CW = 250, CH = 130, CL = 40, CR = 8, CT = 8, CB = 22;

function render({ model, el }) {
  const { root, said: message, send, answered, done } = frame(model, el, "runs");
  const select = (side, title) => {
    const s = h("select", { "aria-label": title, onchange: () => send({ do: "choose", side, name: s.value }) });
    return s;
  };
  const chosen = [select("first", "First run"), select("second", "Second run")];
  const line = (k, s) => h("svg", { svg: 1, viewBox: "0 0 34 10", width: 34, height: 10, "aria-hidden": "true" },
    h("line", { svg: 1, x1: 1, x2: 33, y1: 5, y2: 5, class: `sb-side${k}`, "stroke-width": 3, "stroke-dasharray": s.dashes[k].join(" ") }));
  const keys = [h("span"), h("span")];
  const bar = h("div", { class: "sb-row sb-whole" }, h("label", { class: "sb-row sb-run" }, keys[0], h("span", {}, "First run"), chosen[0]),
    h("button", { onclick: () => send({ do: "swap" }) }, "Swap"),
    h("label", { class: "sb-row sb-run" }, keys[1], h("span", {}, "Second run"), chosen[1]));
  const notes = h("div"), changes = h("table", { class: "sb-read sb-changes" }), numbers = h("table", { class: "sb-read" });
  const curves = h("div", { class: "sb-grid" }), classes = h("ol", { class: "sb-bars", "aria-label": "Classes, most won first" });
  const lists = h("div", { class: "sb-around" }), strips = h("div", { class: "sb-whole", role: "region", "aria-label": "What both retrieve" });
  const block = (title, ...inner) => h("div", {}, h("h4", {}, title), ...inner);
  root.append(bar, h("div", { class: "sb-whole" }, message, notes),
    h("div", { class: "sb-half" }, block("What changed", changes), block("Numbers", numbers)),
    h("div", { class: "sb-half" }, block("mAP@all of each class, second minus first", classes), block("Queries: choose one to see what both retrieve", lists)),
    strips, h("div", { class: "sb-whole" }, h("h4", {}, "Training"), curves));

  const three = (v) => (v === null || v === undefined ? "–" : v.toFixed(3));
  const signed = (v) => (v > 0 ? "+" : v < 0 ? "−" : "±") + Math.abs(v).toFixed(3);
  const cell = (c) => h("td", {}, c.value === null ? "not measured" : three(c.value),
    c.half === null ? "" : h("span", { class: "sb-help" }, ` ${three(c.mean)} ± ${three(c.half)} (${c.seeds})`));
  const heads = (...titles) => h("thead", {}, h("tr", {}, titles.map((t) => h("th", { scope: "col" }, t))));
  const row = (name, ...cells) => h("tr", {}, h("th", { scope: "row" }, name), cells);
  const parted = (words) => String(words).split(/(?<=[.:_,])/).flatMap((part) => [part, h("wbr")]);  // where a long name may break

  const chart = ({ term, both }, s) => {
    const all = both.flat(), xs = all.map((p) => p[0]), ys = all.map((p) => p[1]);
    const x0 = Math.min(...xs), x1 = Math.max(...xs, x0 + 1), y0 = Math.min(...ys), y1 = Math.max(...ys), tall = y1 - y0 || 1;
    const x = (v) => CL + (v - x0) / (x1 - x0) * (CW - CL - CR), y = (v) => CH - CB - (v - y0) / tall * (CH - CT - CB);
    const told = both.map((p, k) => `${k ? "second" : "first"} ${p.length ? `from ${three(p[0][1])} to ${three(p[p.length - 1][1])}` : "has none"}`).join(", ");
    const svg = h("svg", { svg: 1, viewBox: `0 0 ${CW} ${CH}`, class: "sb-chart", role: "img", "aria-label": `${term}: ${told}` });
    const text = (words, props) => svg.append(h("text", { svg: 1, fill: "currentColor", "font-size": 10, ...props }, words));
    svg.append(h("path", { svg: 1, d: `M${CL} ${CT}V${CH - CB}H${CW - CR}`, fill: "none", stroke: "currentColor", opacity: 0.4 }));
    for (const v of y1 > y0 ? [y0, y1] : [y0]) text(v.toPrecision(3), { x: CL - 4, y: y(v) + 4, "text-anchor": "end" });
    text(String(x0), { x: CL, y: CH - 8, "text-anchor": "middle" });
    text(`${x1} steps`, { x: CW - CR, y: CH - 8, "text-anchor": "end" });
    both.forEach((points, k) => {
      svg.append(h("polyline", { svg: 1, points: points.map((p) => `${x(p[0])},${y(p[1])}`).join(" "), fill: "none",
        class: `sb-side${k}`, "stroke-width": 2, "stroke-dasharray": s.dashes[k].join(" ") }));
      if (points.length < 8) for (const p of points) svg.append(h("circle", { svg: 1, cx: x(p[0]), cy: y(p[1]), r: 3, class: `sb-side${k}`, fill: "none" }));
    });
    return h("figure", { class: "sb-small" }, h("figcaption", {}, term), svg);
  };
  const bars = (s) => {
    const most = Math.max(0.02, ...s.classes.map(([, a, b]) => Math.abs(b - a)));
    return s.classes.map(([name, a, b]) => h("li", {}, h("span", {}, said(name)),
      h("span", { class: "sb-scale", "aria-hidden": "true" }, h("i", { class: b >= a ? "sb-up" : "sb-down", style: `width:${Math.abs(b - a) / most * 50}%` })),
      h("span", {}, `${signed(b - a)}`), h("span", { class: "sb-help" }, `${three(a)} → ${three(b)}`)));
  };
  const list = (title, some, s) => h("div", {}, h("h5", {}, title), h("ul", { class: "sb-queries" }, some.length ? some.map((q) =>
    h("li", {}, h("button", { "data-key": `query ${q.query}`, "aria-pressed": String(s.query?.number === q.query),
      onclick: () => send({ do: "ask", query: q.query }) }, `${said(q.label)} ${q.query}: ${three(q.scores[0])} → ${three(q.scores[1])}`))) : h("li", {}, "none")));
  const tile = (t) => h("span", { class: `sb-tile ${t.hit ? "sb-hit" : "sb-miss"}`, role: "img", title: said(t.label),
    "aria-label": `${t.hit ? "right" : "wrong"}: ${said(t.label)}` },
    h("img", { src: t.url, alt: "" }), h("span", {}, `${t.hit ? "✓" : "✗"} ${said(t.label)}`));
  const answer = (strip, k, s) => h("article", { class: "sb-answer" }, h("header", {}, line(k, s), h("h4", {}, s.names[k]),
    h("span", {}, strip.score === null ? "no answer: see above" : `AP ${three(strip.score)}`)), h("div", { class: "sb-strip" }, strip.tiles.map(tile)));

  const update = () => {
    const s = model.get("shown");
    answered();
    chosen.forEach((c, k) => { options(c, s.runs, s.names[k], (n) => n); refill(keys[k], line(k, s)); });
    refill(notes, s.notes.map((n) => h("p", { class: "sb-problem" }, n)));
    refill(changes, heads("parameter", "first", "second"), h("tbody", {}, s.changes.length
      ? s.changes.map(([name, a, b]) => row(parted(name), h("td", {}, parted(a)), h("td", {}, parted(b)))) : row("nothing", h("td"), h("td"))));
    refill(numbers, h("caption", {}, "this run, then mean ± half the 95 % interval over its seeds (how many)"), heads("", "first", "second"), h("tbody", {}, s.headlines.map(([name, both]) => row(name, ...both.map(cell)))));
    refill(curves, s.curves.length ? s.curves.map((c) => chart(c, s)) : h("p", {}, "No curves: neither has a history here."));
    refill(classes, s.classes.length ? bars(s) : h("li", {}, "Needs the weights of both."));
    refill(lists, list("lost most by the second", s.lost, s), list("won most by the second", s.won, s));
    refill(strips, s.query ? [h("div", { class: "sb-row" }, h("img", { class: "sb-seen", src: s.query.url, alt: `sketch: ${said(s.query.label)}` }),
      h("h4", {}, `Query ${s.query.number}: ${said(s.query.label)}`)), ...s.query.strips.map((one, k) => answer(one, k, s))] : []);
  };
  model.on("change:shown", update);
  update();
  return () => { model.off("change:shown", update); done(); };
}
export default { render };
