// SPDX-License-Identifier: Apache-2.0
/** Kernels that are compiled together: two units that take equally long, so that a first compile uses two cores. */
import type { KernelFile } from './sources.js';

export interface Unit {
  readonly name: string;
  /** Also has what all units of a path share. */
  readonly isFirst: boolean;
  readonly kernelFiles: readonly KernelFile[];
}

export function unitsOf(kernelFiles: readonly KernelFile[]): readonly Unit[] {
  const isLong = ({ folder }: KernelFile) => /^(attention|selected-log-probs)/.test(folder);
  return [
    { name: 'products', isFirst: true, kernelFiles: kernelFiles.filter((file) => !isLong(file)) },
    { name: 'attention-and-log-probs', isFirst: false, kernelFiles: kernelFiles.filter(isLong) },
  ];
}

/** What the compiler is told to compile one unit of kernels for an instruction path from native/isa.cc. */
export const unitFlags = (folder: string, unit: Unit, path: string): readonly string[] => [
  `-DLLMF_PATH_${defineOf(path)}`,
  ...(unit.isFirst ? ['-DLLMF_FIRST_UNIT'] : []),
  `-I${folder}/${unit.name}`,
];

/** What the rest is told of the paths that the binary holds. */
export const pathFlags = (paths: readonly string[]): readonly string[] =>
  paths.map((path) => `-DLLMF_HAS_${defineOf(path)}`);

const defineOf = (path: string) => path.toUpperCase().replace('-', '_');
