// A worker: decodes pictures, and makes them out of indices, so that the page never waits for it.

const SMALL = 2048; // a copy for zoomed-out views of what is larger

const rgba = (hex) => {
  const [r, g, b, a] = [0, 2, 4, 6].map((i) => (hex.length > i ? parseInt(hex.slice(i, i + 2), 16) : 255));
  return ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
};

// `counts` grows by what each color serves: one loop, because neither is compiled yet when the first picture comes.
function painted({ indices, colors, width, height }, counts = new Uint32Array(colors.length)) {
  const pixels = new Uint32Array(indices.length);
  for (let at = 0; at < pixels.length; at++) {
    const i = indices[at];
    counts[i]++;
    pixels[at] = colors[i];
  }
  return createImageBitmap(new ImageData(new Uint8ClampedArray(pixels.buffer), width, height));
}

// The entry of each pixel, at a size where every pixel is one of the file's own.
function entries(bitmap, { palette, width, height }) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0, width, height);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const known = new Map(Array.from(palette, (hex, i) => [rgba(hex), i]));
  const bytes = (n) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24];
  const distance = (a, b) => bytes(a).reduce((sum, v, i) => sum + (v - bytes(b)[i]) ** 2, 0);
  const nearest = (n) => { // canvases round colors that are partly transparent
    const all = palette.map((hex) => distance(rgba(hex), n));
    return all.indexOf(Math.min(...all));
  };
  return Uint8Array.from(pixels, (n) => {
    if (!known.has(n)) known.set(n, nearest(n));
    return known.get(n);
  });
}

const JOBS = {
  // A picture; with a drawing's size and palette, its entries too.
  async decode({ blob, drawing }) {
    const bitmap = await createImageBitmap(blob);
    const indices = drawing && entries(bitmap, drawing);
    const side = Math.max(bitmap.width, bitmap.height);
    if (side <= SMALL) return { bitmap, indices };
    const f = SMALL / side;
    const size = { resizeWidth: Math.round(bitmap.width * f), resizeHeight: Math.round(bitmap.height * f), resizeQuality: "medium" };
    return { bitmap, indices, small: await createImageBitmap(bitmap, size) };
  },
  async paint(drawing) {
    const counts = new Uint32Array(drawing.palette.length);
    const bitmap = await painted({ ...drawing, colors: Uint32Array.from(drawing.palette, rgba) }, counts);
    return { bitmap, shares: Array.from(counts, (n) => n / drawing.indices.length) };
  },
  // Grey over everything that is not of this color.
  async mask({ chosen, ...drawing }) {
    return { bitmap: await painted({ ...drawing, colors: Uint32Array.from(drawing.palette, (hex) => (hex === chosen ? 0 : 0xdc808080)) }) };
  },
};

onmessage = async ({ data: { id, job, what } }) => {
  try {
    const done = await JOBS[job](what);
    const moved = [done.bitmap, done.small, done.indices?.buffer].filter(Boolean);
    postMessage({ id, done }, moved);
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};
