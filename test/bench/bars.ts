/** One group of bars: what was measured, and its value for each of the compared, in one unit. */
export interface BarGroup {
  name: string;
  bars: readonly { name: string; value: number }[];
}

const [left, barHeight, gap, width] = [240, 14, 26, 420];
const colours = ["#0b7285", "#868e96", "#adb5bd", "#e8590c", "#5f3dc4", "#2b8a3e"];

/** A bar chart as SVG text. Bars longer than `limit` are cut there; their numbers are not. */
export function barChart(title: string, groups: readonly BarGroup[], limit = Number.POSITIVE_INFINITY): string {
  const names = [...new Set(groups.flatMap(({ bars }) => bars.map(({ name }) => name)))];
  const shown = (value: number) => (Number.isFinite(value) ? Math.min(value, limit) : 0);
  const longest = Math.max(1e-9, ...groups.flatMap(({ bars }) => bars.map(({ value }) => shown(value))));
  let y = 40;
  const drawn = groups.map(({ name, bars }) => {
    const top = y;
    y += bars.length * barHeight + gap;
    const rows = bars.map((bar, at) => {
      const wide = (shown(bar.value) / longest) * width;
      const rowTop = top + at * barHeight;
      const text = Number.isFinite(bar.value) ? bar.value.toFixed(2) : "never";
      return `<rect x="${left}" y="${rowTop}" width="${wide.toFixed(1)}" height="${barHeight - 3}" fill="${colours[names.indexOf(bar.name) % colours.length]}"/><text x="${(left + wide + 5).toFixed(1)}" y="${rowTop + 10}">${bar.name} ${text}</text>`;
    });
    return `<text x="${left - 8}" y="${top + 10}" text-anchor="end">${name}</text>${rows.join("")}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 150}" height="${y}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/><text x="12" y="20" font-size="14">${title}</text>${drawn.join("")}</svg>\n`;
}
