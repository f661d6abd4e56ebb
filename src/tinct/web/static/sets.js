// Sets of points in the unit square, and those of a CSV.

// Mulberry32: the same seed, the same points.
export function chance(seed) {
  let a = (seed * 2654435761) >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const inside = (p) => p.map((v) => Math.min(0.985, Math.max(0.015, v)));

const MAKERS = {
  blobs(random) {
    const count = 3 + Math.floor(random() * 4);
    const middles = [];
    while (middles.length < count) {
      const m = [0.14 + 0.72 * random(), 0.14 + 0.72 * random(), 0.025 + 0.04 * random()];
      if (middles.every((o) => Math.hypot(m[0] - o[0], m[1] - o[1]) > 0.2)) middles.push(m);
    }
    return (i) => {
      const [x, y, s] = middles[i % count];
      return [x + s * normal(random), y + s * normal(random)];
    };
  },
  moons: (random) => (i) => {
    const t = Math.PI * random();
    const [x, y] = i % 2 ? [Math.cos(t), Math.sin(t)] : [1 - Math.cos(t), 0.45 - Math.sin(t)];
    return [0.2 + 0.3 * (x + 0.5) + 0.018 * normal(random), 0.42 + 0.3 * y + 0.018 * normal(random)];
  },
  rings: (random) => (i) => {
    const [t, r] = [2 * Math.PI * random(), i % 3 ? 0.38 : 0.13];
    return [0.5 + (r + 0.014 * normal(random)) * Math.cos(t), 0.5 + (r + 0.014 * normal(random)) * Math.sin(t)];
  },
  uniform: (random) => () => [0.04 + 0.92 * random(), 0.04 + 0.92 * random()],
};

export const SETS = Object.keys(MAKERS);

export function made(name, seed, n = 300) {
  if (!MAKERS[name]) return [];
  const maker = MAKERS[name](chance(seed));
  return Array.from({ length: n }, (_, i) => inside(maker(i)));
}

// The first two columns of numbers, scaled to the square by one factor, so that distances keep their ratios.
export function csv(text, most = 5000) {
  const rows = text.split(/\r?\n/).map((line) => line.split(/[,;\t ]+/).map((cell) => (cell.trim() === "" ? NaN : Number(cell))));
  const width = Math.max(...rows.map((r) => r.length));
  const good = (j) => rows.filter((r) => Number.isFinite(r[j])).length;
  const columns = Array.from({ length: Math.min(width, 100) }, (_, j) => j).filter((j) => good(j) > 0.8 * (rows.length - 2) && good(j) > 2).slice(0, 2);
  if (columns.length < 2) return null;
  const points = rows.map((r) => columns.map((j) => r[j])).filter((p) => p.every(Number.isFinite)).slice(0, most);
  const low = [0, 1].map((j) => points.reduce((m, p) => Math.min(m, p[j]), Infinity));
  const high = [0, 1].map((j) => points.reduce((m, p) => Math.max(m, p[j]), -Infinity));
  const span = Math.max(high[0] - low[0], high[1] - low[1]) || 1;
  return points.map((p) => p.map((v, j) => 0.05 + (0.9 * (v - low[j] + (span - (high[j] - low[j])) / 2)) / span));
}
