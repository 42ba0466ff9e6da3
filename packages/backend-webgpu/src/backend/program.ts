// SPDX-License-Identifier: Apache-2.0

/** Elements of a storage buffer; `u32` words may hold two bf16 values. */
type Element = 'f32' | 'i32' | 'u32';
type Number32 = 'f32' | 'u32';

/** A compute shader whose work is a row of equal groups, so that it can be run in parts. */
export interface ProgramDefinition<Reads extends string, Writes extends string, Numbers extends string> {
  /** Tells it from every other, its variant included. */
  readonly name: string;
  readonly reads: Readonly<Record<Reads, Element>>;
  /** Buffers written, or read and written. */
  readonly writes: Readonly<Record<Writes, Element>>;
  /** Plain values of a call: `n.name` in the code. */
  readonly numbers: Readonly<Record<Numbers, Number32>>;
  /** Invocations of a group. */
  readonly workgroup: number;
  /** Functions and workgroup variables before the main function. */
  readonly before?: string;
  /** Body of the main function; `group` is the group's number, `thread` the invocation's in it. */
  readonly code: string;
}

export interface Program<
  Reads extends string = string,
  Writes extends string = string,
  Numbers extends string = string,
> extends ProgramDefinition<Reads, Writes, Numbers> {
  readonly source: string;
}

export function defineProgram<Reads extends string, Writes extends string, Numbers extends string>(
  definition: ProgramDefinition<Reads, Writes, Numbers>,
): Program<Reads, Writes, Numbers> {
  return { ...definition, source: sourceOf(definition) };
}

/** WGSL: bindings in the order of declaration, reads first; then the numbers, with the first group of this part. */
function sourceOf(definition: ProgramDefinition<string, string, string>): string {
  const { reads, writes, numbers, workgroup, before = '', code } = definition;
  const buffers = [
    ...Object.entries(reads).map(([name, type]) => `var<storage, read> ${name}: array<${type}>;`),
    ...Object.entries(writes).map(([name, type]) => `var<storage, read_write> ${name}: array<${type}>;`),
    'var<uniform> n: Numbers;',
  ].map((declaration, index) => `@group(0) @binding(${index}) ${declaration}`);
  const fields = Object.entries(numbers).map(([name, type]) => `  ${name}: ${type},`);
  return `struct Numbers {
  firstGroup: u32,
${fields.join('\n')}
}
${buffers.join('\n')}
${before}
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let group = n.firstGroup + workgroup.x;
${code}
}
`;
}

/** The bytes of a call's numbers, as `Numbers` lays them out. */
export function numbersOf(
  { numbers: types }: Program,
  values: Readonly<Record<string, number>>,
  firstGroup: number,
): ArrayBuffer {
  const names = Object.keys(types);
  const bytes = new ArrayBuffer(16 * Math.ceil((names.length + 1) / 4));
  const [words, floats] = [new Uint32Array(bytes), new Float32Array(bytes)];
  words[0] = firstGroup;
  for (const [index, name] of names.entries()) (types[name] === 'f32' ? floats : words)[index + 1] = values[name]!;
  return bytes;
}
