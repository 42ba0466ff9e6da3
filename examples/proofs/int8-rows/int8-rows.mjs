// SPDX-License-Identifier: Apache-2.0
// A frozen matrix as integers of 8 bits with one scale a row: w ≈ scale · q, scale = max|w| / 127 of the row. Every backend
// reads it by expansion; `quantization: int8-rows` chooses it.
import { apiVersion } from '@llmf/core';
import { WeightFormatToken } from '@llmf/nn';

const int8Rows = {
  name: 'int8-rows',
  description: 'integers of 8 bits, a scale a row',
  pack(values, shape) {
    const rows = shape[0];
    const width = values.length / rows;
    const scales = new Float32Array(rows);
    const integers = new Int8Array(values.length);
    for (let row = 0; row < rows; row++) {
      const from = row * width;
      for (let at = from; at < from + width; at++) scales[row] = Math.max(scales[row], Math.abs(values[at]) / 127);
      for (let at = from; at < from + width; at++)
        integers[at] = scales[row] === 0 ? 0 : Math.round(values[at] / scales[row]);
    }
    return { integers, scales };
  },
  expand({ shape, parts: { integers, scales } }, from, to, into) {
    const width = integers.length / shape[0];
    for (let at = from * width; at < to * width; at++) {
      into[at - from * width] = integers[at] * scales[Math.floor(at / width)];
    }
  },
  bytes: (shape) => shape.reduce((product, size) => product * size, 1) + 4 * shape[0],
};

export default function formatInt8Rows() {
  return {
    name: 'int8-rows',
    apiVersion,
    description: int8Rows.description,
    apply: (engine) => engine.provide(WeightFormatToken, int8Rows),
  };
}
