// SPDX-License-Identifier: Apache-2.0
const powers = ['k', 'm', 'g', 't'];

/** Bytes of a size as Transformers writes it: `5GB` is 5 · 10⁹, `5GiB` 5 · 2³⁰. */
export function bytesOfSize(size: string): number {
  const [, number, unit, binary] = /^(\d+(?:\.\d+)?) ?([kmgt])(i?)b$/i.exec(size)!;
  const base = binary === '' ? 1000 : 1024;
  return Math.floor(Number(number) * base ** (powers.indexOf(unit!.toLowerCase()) + 1));
}
