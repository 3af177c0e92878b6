// The two charts of a run. `agentgymCharts(target)` gives { data, add, mark, reset }; drawing is merged to one per frame.
(() => {
  "use strict";
  const NAMES = ["tool_reliability", "tool_reliability_low", "tool_reliability_high", "success", "reward"];
  const percent = (value) => (value == null ? "–" : `${(100 * value).toFixed(1)} %`);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const count = (value) => Math.round(value).toLocaleString("en");

  function targetLine(target) {
    return (u) => {
      const y = u.valToPos(target, "y", true);
      const { ctx, bbox } = u;
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = color("--target");
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.font = `600 ${12 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.textAlign = "left";
      ctx.textBaseline = "top";
      ctx.fillText(`target ${Math.round(100 * target)} %`, bbox.left + 6 * devicePixelRatio, y + 5 * devicePixelRatio);
      ctx.restore();
    };
  }

  // A numbered line for everything that was changed or that changed on the way; the list below says what it was.
  function markLines(marks, x) {
    return (u) => {
      const { ctx, bbox } = u;
      const size = 8 * devicePixelRatio;
      ctx.save();
      ctx.font = `700 ${10 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      marks.forEach((mark, index) => {
        const at = u.valToPos(mark[x()], "x", true);
        if (!(at >= bbox.left && at <= bbox.left + bbox.width)) return;
        const top = bbox.top + bbox.height - size - 3 * devicePixelRatio;
        ctx.strokeStyle = ctx.fillStyle = color(mark.kind === "stage" ? "--series-3" : "--series-2");
        ctx.lineWidth = devicePixelRatio;
        ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
        ctx.beginPath();
        ctx.moveTo(at, bbox.top);
        ctx.lineTo(at, bbox.top + bbox.height);
        ctx.stroke();
        ctx.setLineDash([]);
        ctx.beginPath();
        ctx.arc(at, top, size, 0, 2 * Math.PI);
        ctx.fill();
        ctx.fillStyle = color("--surface");
        ctx.fillText(String(index + 1), at, top);
      });
      ctx.restore();
    };
  }

  function listMarks(marks) {
    const list = document.getElementById("marks");
    list.replaceChildren(...marks.map((mark) => {
      const item = document.createElement("li");
      item.className = `mark-${mark.kind}`;
      item.textContent = `${mark.text}, at ${count(mark.episodes)} episodes${mark.by ? `, by ${mark.by}` : ""}`;
      return item;
    }));
    list.hidden = !marks.length;
  }

  const axis = (extra) => ({
    stroke: color("--muted"), grid: { stroke: color("--grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif", ...extra,
  });
  const line = (name, extra) => ({ stroke: color(name), width: 2, spanGaps: true, points: { show: false }, ...extra });
  const shareAxis = () => axis({ scale: "y", size: 52, values: (u, ticks) => ticks.map((tick) => `${Math.round(100 * tick)} %`) });

  window.agentgymCharts = (target) => {
    const data = { episodes: [], seconds: [] };
    for (const name of NAMES) data[name] = [];
    const marks = [];
    let x = "episodes";
    let due = false;
    let charts = [];

    const say = (index) => `${count(data.episodes[index])} episodes: reliability ${percent(data.tool_reliability[index])} (95 % interval ${percent(data.tool_reliability_low[index])} to ${percent(data.tool_reliability_high[index])}).`;
    const sayReward = (index) => `${count(data.episodes[index])} episodes: success ${percent(data.success[index])}, reward ${data.reward[index]?.toFixed(2) ?? "–"}.`;

    function build(id, columns, series, axes, scales, hooks, sentence) {
      const box = document.getElementById(`chart-${id}`);
      const readout = document.getElementById(`${id}-summary`);
      const summary = () => {
        readout.textContent = data.episodes.length ? `Latest, after ${sentence(data.episodes.length - 1)}` : "No points yet: they appear here as the run learns.";
      };
      const options = {
        width: box.clientWidth, height: box.clientHeight, legend: { show: false }, scales, series: [{}, ...series],
        axes: [axis({ size: 30, values: (u, ticks) => ticks.map((tick) => (x === "seconds" ? `${count(tick)} s` : count(tick))) }), ...axes],
        cursor: { drag: { x: true, y: false }, points: { size: 7 } },
        bands: id === "reliability" ? [{ series: [3, 2], fill: color("--series-1-band") }] : [],
        hooks: { draw: hooks, setCursor: [(u) => (u.cursor.idx == null ? summary() : (readout.textContent = `At ${sentence(u.cursor.idx)}`))], setSelect: [(u) => { chart.zoomed = u.select.width > 0; }] },
      };
      const rows = () => [data[x], ...columns.map((name) => data[name])];
      const plot = new uPlot(options, rows(), box);
      const chart = {
        plot, zoomed: false,
        draw: () => { plot.setData(rows(), !chart.zoomed); if (plot.cursor.idx == null) summary(); },
        size: () => plot.setSize({ width: box.clientWidth, height: box.clientHeight }),
      };
      box.ondblclick = () => { chart.zoomed = false; };
      box.onfocus = () => readout.setAttribute("aria-live", "polite");
      box.onblur = () => readout.removeAttribute("aria-live");
      box.onkeydown = (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!step || !data.episodes.length) return;
        event.preventDefault();
        const last = data.episodes.length - 1;
        const index = Math.min(last, Math.max(0, (plot.cursor.idx ?? last - step) + step));
        plot.setCursor({ left: plot.valToPos(data[x][index], "x"), top: 10 });
      };
      return chart;
    }

    function create() {
      for (const chart of charts) chart.plot.destroy();
      const fixed = { x: { time: false }, y: { range: [0, 1.02] } };
      const edge = { stroke: "transparent", width: 0, spanGaps: true, points: { show: false } };
      const lines = markLines(marks, () => x);
      charts = [
        build("reliability", NAMES.slice(0, 3), [line("--series-1"), edge, edge], [shareAxis()], fixed, [targetLine(target), lines], say),
        build("reward", ["success", "reward"], [line("--series-2"), line("--series-3", { scale: "reward", dash: [2, 3] })],
          [shareAxis(), axis({ scale: "reward", side: 1, size: 48, grid: { show: false } })], { ...fixed, reward: {} }, [lines], sayReward),
      ];
      for (const chart of charts) chart.draw();
    }

    function redraw() {
      if (due) return;
      due = true;
      requestAnimationFrame(() => { due = false; for (const chart of charts) chart.draw(); });
    }

    create();
    const buttons = document.querySelectorAll("[data-axis]");
    for (const button of buttons) {
      button.addEventListener("click", () => {
        x = button.dataset.axis;
        for (const chart of charts) chart.zoomed = false;
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        redraw();
      });
    }
    document.addEventListener("themechange", create);
    new ResizeObserver(() => charts.forEach((chart) => chart.size())).observe(document.getElementById("chart-reliability"));
    function mark(more) {
      if (!more.length) return;
      marks.push(...more);
      listMarks(marks);
      redraw();
    }

    return {
      data,
      mark,
      add(points) {
        for (const point of points) {
          data.episodes.push(point.episodes);
          data.seconds.push(point.seconds);
          for (const name of NAMES) data[name].push(point.values[name] ?? null);
        }
        mark(points.flatMap(({ episodes, seconds, marks }) => (marks ?? []).map((one) => ({ episodes, seconds, ...one }))));
        redraw();
      },
      reset() { for (const column of [...Object.values(data), marks]) column.length = 0; listMarks(marks); redraw(); },
    };
  };
})();
