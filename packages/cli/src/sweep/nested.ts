// SPDX-License-Identifier: Apache-2.0
/** `train.learningRate` → `train: { learningRate }`. */
export function nested(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(params)) {
    const path = key.split('.');
    let target = config;
    for (const part of path.slice(0, -1)) target = (target[part] ??= {}) as Record<string, unknown>;
    target[path.at(-1)!] = value;
  }
  return config;
}
