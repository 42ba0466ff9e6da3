// SPDX-License-Identifier: Apache-2.0
/**
 * Pillow's `Image.resize(size, Image.BICUBIC)` for 8-bit pictures, bit for bit.
 *
 * A separable filter in two passes, horizontal first, each rounding to bytes. Enlarging samples the Keys cubic with
 * a = −0.5 over 4 pixels; shrinking stretches it by the scale, so that every source pixel counts (antialiasing).
 * Weights are computed in double precision, normalised, then rounded to fixed point with 22 fractional bits.
 *
 * Keys 1981, "Cubic convolution interpolation", eq. 15; fixed point and support as documented in Pillow's
 * `src/libImaging/Resample.c` (12.3): PRECISION_BITS = 32 − 8 − 2.
 */
import type { RgbImage } from '../decode/rgb-image.js';

const fractionBits = 22;
const half = 1 << (fractionBits - 1);
const cubicSupport = 2;

/** Filter weights of one axis: output i sums `counts[i]` inputs from `starts[i]` on. */
interface AxisWeights {
  readonly starts: Int32Array; // [outputs]
  readonly counts: Int32Array; // [outputs]
  readonly weights: Int32Array; // [outputs, taps]
  readonly taps: number;
}

export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  let { data } = image;
  if (width !== image.width) data = resizeRows(data, image.width, image.height, axisWeights(image.width, width));
  if (height !== image.height) data = resizeColumns(data, width, axisWeights(image.height, height));
  return { width, height, data: data === image.data ? data.slice() : data };
}

function axisWeights(inputs: number, outputs: number): AxisWeights {
  const scale = inputs / outputs;
  const stretch = Math.max(scale, 1);
  const support = cubicSupport * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outputs);
  const counts = new Int32Array(outputs);
  const weights = new Int32Array(outputs * taps);
  const exact = new Float64Array(taps);
  const perPixel = 1 / stretch;
  for (let output = 0; output < outputs; output++) {
    const centre = (output + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(inputs, Math.trunc(centre + support + 0.5)) - start;
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      exact[tap] = cubic((tap + start - centre + 0.5) * perPixel);
      sum += exact[tap]!;
    }
    for (let tap = 0; tap < count; tap++) {
      const weight = sum === 0 ? exact[tap]! : exact[tap]! / sum;
      weights[output * taps + tap] = Math.trunc(weight * 2 ** fractionBits + (weight < 0 ? -0.5 : 0.5));
    }
    starts[output] = start;
    counts[output] = count;
  }
  return { starts, counts, weights, taps };
}

/** Keys' cubic with a = −0.5, in Horner form. */
function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/** [height, inputs, 3] → [height, outputs, 3] */
function resizeRows(data: Uint8Array, inputs: number, height: number, axis: AxisWeights): Uint8Array {
  const { starts, counts, weights, taps } = axis;
  const outputs = starts.length;
  const resized = new Uint8ClampedArray(height * outputs * 3);
  let to = 0;
  for (let row = 0; row < height; row++) {
    for (let output = 0; output < outputs; output++) {
      let from = (row * inputs + starts[output]!) * 3;
      let red = half;
      let green = half;
      let blue = half;
      const end = output * taps + counts[output]!;
      for (let tap = output * taps; tap < end; tap++, from += 3) {
        const weight = weights[tap]!;
        red += data[from]! * weight;
        green += data[from + 1]! * weight;
        blue += data[from + 2]! * weight;
      }
      resized[to++] = red >> fractionBits;
      resized[to++] = green >> fractionBits;
      resized[to++] = blue >> fractionBits;
    }
  }
  return new Uint8Array(resized.buffer);
}

/** [inputs, width, 3] → [outputs, width, 3], a row at a time. */
function resizeColumns(data: Uint8Array, width: number, axis: AxisWeights): Uint8Array {
  const { starts, counts, weights, taps } = axis;
  const outputs = starts.length;
  const stride = width * 3;
  const resized = new Uint8ClampedArray(outputs * stride);
  const sums = new Int32Array(stride);
  for (let output = 0; output < outputs; output++) {
    sums.fill(half);
    for (let tap = 0; tap < counts[output]!; tap++) {
      const weight = weights[output * taps + tap]!;
      let from = (starts[output]! + tap) * stride;
      for (let column = 0; column < stride; column++, from++) sums[column]! += data[from]! * weight;
    }
    const to = output * stride;
    for (let column = 0; column < stride; column++) resized[to + column] = sums[column]! >> fractionBits;
  }
  return new Uint8Array(resized.buffer);
}
