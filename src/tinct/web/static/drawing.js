// Indices and a palette as something to draw, and as a mask of one color.

const numbers = (palette) =>
  Uint32Array.from(palette, (hex) => {
    const [r, g, b, a] = [0, 2, 4, 6].map((i) => (hex.length > i ? parseInt(hex.slice(i, i + 2), 16) : 255));
    return ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });

const image = (pixels, width, height) => createImageBitmap(new ImageData(new Uint8ClampedArray(pixels.buffer), width, height));

export class Drawing {
  constructor(indices, width, height, palette) {
    Object.assign(this, { indices, width, height, palette });
    const counts = new Float64Array(palette.length);
    for (const i of indices) counts[i]++;
    this.shares = Array.from(counts, (n) => n / indices.length);
  }

  bitmap() {
    const colors = numbers(this.palette);
    const pixels = new Uint32Array(this.indices.length);
    for (let i = 0; i < pixels.length; i++) pixels[i] = colors[this.indices[i]];
    return image(pixels, this.width, this.height);
  }

  // Grey over everything that is not of this color.
  mask(hex) {
    const index = this.palette.indexOf(hex);
    const pixels = new Uint32Array(this.indices.length);
    for (let i = 0; i < pixels.length; i++) pixels[i] = this.indices[i] === index ? 0 : 0xdc808080;
    return image(pixels, this.width, this.height);
  }

  // The color at a place of the picture, whose sides are 1.
  at(x, y) {
    const column = Math.min(this.width - 1, Math.floor(x * this.width));
    const row = Math.min(this.height - 1, Math.floor(y * this.height));
    return this.palette[this.indices[row * this.width + column]];
  }
}
