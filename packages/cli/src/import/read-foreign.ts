// SPDX-License-Identifier: Apache-2.0
import { applyOverrides, readConfig, type ConfigInput } from '@llmf/core';
import { optionsOfFlags } from './flags.js';
import { importErrors } from './import-errors.js';
import { translate, type ReportLine, type Tool, type Translated } from './translation.js';

export interface Foreign extends Translated {
  /** The config as if it had been written for llmf; mistakes are placed in the other tool's file. */
  readonly input: ConfigInput;
}

/** A file (`lf.yaml`) with keys of ours that are laid over what it amounts to, or flags behind `--`. */
export type ForeignSource =
  | { readonly file: string; readonly overrides?: readonly string[] }
  | { readonly flags: readonly string[] };

/** @throws LLMF_CLI_IMPORT_REFUSED with every option that has no place here */
export async function readForeign(folder: string, tool: Tool, source: ForeignSource): Promise<Foreign> {
  const read = 'file' in source ? await readConfig(folder, source.file) : null;
  const where = read === null ? 'the flags behind --' : read.source.locate([]);
  const options = read?.raw ?? optionsOfFlags((source as { flags: readonly string[] }).flags);
  const translated = translate(tool, options);
  const lines = translated.report.filter(({ kind }) => kind === 'refused').map(refusalText);
  if (lines.length > 0) throw importErrors.importRefused({ tool: tool.name, where, lines });
  const input = {
    raw: translated.config,
    source: {
      locate: (path: readonly PropertyKey[]) => `${where}, read as ${tool.name}: ${path.map(String).join('.')}`,
    },
    folder: read?.folder ?? folder,
    file: read?.file ?? null,
  };
  const overridden = applyOverrides(input, 'file' in source ? (source.overrides ?? []) : []);
  return { ...translated, config: overridden.raw, input: overridden };
}

const refusalText = ({ key, value, text }: ReportLine): string => `${key} ${JSON.stringify(value)}: ${text}`;

/** The report, a line an option: what it became, or why it has no effect; and what the tool's configs leave open. */
export function reportLines(report: readonly ReportLine[], tool: Tool): string[] {
  const width = Math.max(...report.map(({ key }) => key.length));
  const lines = report.map(({ key, value, kind, text, isDefault }) => {
    const shown = `${key.padEnd(width)}  ${JSON.stringify(value)}${isDefault ? ' (its default)' : ''}`;
    return `${shown}  ${kind === 'taken' ? '→' : 'without effect:'} ${text}`;
  });
  return tool.note === undefined ? lines : [...lines, tool.note];
}
