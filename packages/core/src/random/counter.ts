// SPDX-License-Identifier: Apache-2.0
/**
 * Counter-based random numbers: each draw is a pure function of a key, a site and an index, so that recomputation and
 * resume draw the same without any stored state.
 * Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.
 */

/** What a draw depends on besides site and index. */
export interface RandomKey {
  readonly seed: number;
  /** Purpose: `shuffle`, `dropout`, `init`, `sample`, … */
  readonly stream: string;
  readonly step: number;
  readonly microbatch: number;
}

const roundMultiplier0 = 0xd2511f53;
const roundMultiplier1 = 0xcd9e8d57;
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;

/** One Philox4x32-10 block: replaces the four counter words in `block` by four random words. */
export function philox(block: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = block as unknown as [number, number, number, number];
  let k0 = key0 >>> 0;
  let k1 = key1 >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(roundMultiplier0, c0);
    const low0 = Math.imul(roundMultiplier0, c0) >>> 0;
    const high1 = multiplyHigh(roundMultiplier1, c2);
    const low1 = Math.imul(roundMultiplier1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + weyl0) >>> 0;
    k1 = (k1 + weyl1) >>> 0;
  }
  block[0] = c0;
  block[1] = c1;
  block[2] = c2;
  block[3] = c3;
}

/** High 32 bits of the 64-bit product of two 32-bit words. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const middle2 = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + (middle2 >>> 16)) >>> 0;
}

/** FNV-1a over the UTF-8 bytes of a text, 32 bits. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/**
 * The raw words first … first + count − 1 of a key and site. Counter: [block, step, microbatch, site]; key: [seed, stream].
 */
export function randomWords(key: RandomKey, site: string, count: number, first = 0): Uint32Array {
  const words = new Uint32Array(count);
  const block = new Uint32Array(4);
  const streamHash = hashText(key.stream);
  const siteHash = hashText(site);
  for (let start = -(first % 4), index = (first + start) / 4; start < count; start += 4, index++) {
    block[0] = index;
    block[1] = key.step;
    block[2] = key.microbatch;
    block[3] = siteHash;
    philox(block, key.seed, streamHash);
    const last = Math.min(4, count - start);
    for (let lane = Math.max(0, -start); lane < last; lane++) words[start + lane] = block[lane]!;
  }
  return words;
}

/** `count` numbers from the draw `first` on, uniform in [0, 1) with 24 random bits each, exact in float32. */
export function uniforms(key: RandomKey, site: string, count: number, first = 0): Float32Array {
  const words = randomWords(key, site, count, first);
  return Float32Array.from(words, (word) => (word >>> 8) / 16777216);
}

/** `count` standard normals (Box–Muller on pairs of 32-bit words, in double precision). */
export function normals(key: RandomKey, site: string, count: number): Float32Array {
  const words = randomWords(key, site, count + (count & 1));
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((words[i]! + 1) / 4294967297));
    const angle = (2 * Math.PI * words[i + 1]!) / 4294967296;
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** A permutation of 0 … length−1 (Fisher–Yates with an unbiased draw from 53 random bits per position). */
export function permutation(key: RandomKey, site: string, length: number): Uint32Array {
  const order = Uint32Array.from({ length }, (_, index) => index);
  const words = randomWords(key, site, 2 * length);
  for (let last = length - 1; last > 0; last--) {
    const unit = ((words[2 * last]! >>> 5) * 67108864 + (words[2 * last + 1]! >>> 6)) / 9007199254740992;
    const other = Math.floor(unit * (last + 1));
    const moved = order[last]!;
    order[last] = order[other]!;
    order[other] = moved;
  }
  return order;
}
