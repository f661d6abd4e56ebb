// A worker: decodes pictures, and makes them out of indices, so that the page never waits for it.

const SMALL = 2048; // a copy for zoomed-out views of what is larger

const rgba = (hex) => {
  const [r, g, b, a] = [0, 2, 4, 6].map((i) => (hex.length > i ? parseInt(hex.slice(i, i + 2), 16) : 255));
  return ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
};

function painted({ indices, colors, width, height }) {
  const pixels = new Uint32Array(indices.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colors[indices[i]];
  return createImageBitmap(new ImageData(new Uint8ClampedArray(pixels.buffer), width, height));
}

const JOBS = {
  async decode({ blob }) {
    const bitmap = await createImageBitmap(blob);
    const side = Math.max(bitmap.width, bitmap.height);
    if (side <= SMALL) return { bitmap };
    const f = SMALL / side;
    const size = { resizeWidth: Math.round(bitmap.width * f), resizeHeight: Math.round(bitmap.height * f), resizeQuality: "medium" };
    return { bitmap, small: await createImageBitmap(bitmap, size) };
  },
  async paint(drawing) {
    return { bitmap: await painted({ ...drawing, colors: Uint32Array.from(drawing.palette, rgba) }) };
  },
  // Grey over everything that is not of this color.
  async mask({ chosen, ...drawing }) {
    return { bitmap: await painted({ ...drawing, colors: Uint32Array.from(drawing.palette, (hex) => (hex === chosen ? 0 : 0xdc808080)) }) };
  },
};

onmessage = async ({ data: { id, job, what } }) => {
  try {
    const done = await JOBS[job](what);
    postMessage({ id, done }, Object.values(done));
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};
