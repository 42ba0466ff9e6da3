// SPDX-License-Identifier: Apache-2.0
/**
 * The C++ side of the kernels' signatures: for each kernel a struct with a member per parameter, whose `run` is the
 * kernel, and the code that reads a call into it. Written by the build, included by native/isa.cc and native/dispatch.cc.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arrayTypes, isNumber, numberTypes, textOf, type Parameter, type Signature } from '../kernels/signature.js';
import { signatures } from '../kernels/signatures.js';
import type { Unit } from './units.js';

type Entry = readonly [string, Signature];
const entries: readonly Entry[] = Object.entries(signatures);

/** A unit's own in a folder of its name. */
export function writeSignatures(folder: string, units: readonly Unit[]): void {
  const write = (file: string, lines: readonly string[]) => writeFileSync(join(folder, file), `${lines.join('\n')}\n`);
  write('kernel-calls.inc', entries.map(declaration));
  write('kernel-list.inc', entries.map(listed));
  for (const { name, kernelFiles } of units) {
    const own = entries.filter(([kernel]) => kernelFiles.some(({ structs }) => structs.includes(structOf(kernel))));
    mkdirSync(join(folder, name), { recursive: true });
    write(join(name, 'kernel-sources.inc'), [
      ...kernelFiles.map(({ path }) => `#include "${path}"`),
      ...own.map(definition),
    ]);
    write(join(name, 'unit-kernels.inc'), own.map(listed));
  }
}

const listed = ([name, signature]: Entry) => `LLMF_KERNEL(${structOf(name)}, "${name}", "${textOf(signature)}")`;

/** `struct LinearInputGradient : KernelCall { int64_t tokens; … }` */
function declaration([name, signature]: Entry): string {
  const members = Object.entries(signature).map(([parameter, of]) => `  ${typeOf(of)} ${snake(parameter)}{};`);
  return [`struct ${structOf(name)} : KernelCall {`, ...members, '  void run() const;', '  bool read();', '};'].join(
    '\n',
  );
}

/** Reads in the order of the signature, so that a length may use what came before it. */
function definition([name, signature]: Entry): string {
  const reads = Object.entries(signature).map(([parameter, of]) => {
    const member = snake(parameter);
    // What a length is computed from may be an array.
    const guard = of.length?.includes('(') === true ? '  if (!arguments->ok()) return false;\n' : '';
    const lengths = [of.count, of.length].flatMap((each) => (each === undefined ? [] : [lengthOf(each, signature)]));
    const values = [`"${parameter}"`, ...lengths].join(', ');
    const read = `${of.kind}(${values})`;
    return `${guard}  ${member} = arguments->${of.isOptional === true ? 'optional_' : ''}${read};`;
  });
  return [`inline bool ${structOf(name)}::read() {`, ...reads, '  return arguments->ok();', '}'].join('\n');
}

/** The first factor of each product made a floating-point number, so that no product overflows. */
function lengthOf(length: string, signature: Signature): string {
  const sizes = Object.keys(signature).filter((name) => signature[name]!.kind === 'size');
  const factor = new RegExp(`\\b(${sizes.map(snake).join('|')})(?= \\*)`, 'g');
  return length.replace(factor, 'static_cast<double>($1)');
}

const typeOf = (parameter: Parameter): string =>
  isNumber(parameter)
    ? numberTypes[parameter.kind as keyof typeof numberTypes]
    : arrayTypes[parameter.kind as keyof typeof arrayTypes];

const structOf = (name: string) => `${name[0]!.toUpperCase()}${name.slice(1)}`;
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
