// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { findNamed, formatBytes, LlmfError, type Choice, type Container, type Run } from '@llmf/core';
import {
  ArchitectureToken,
  chosenFormats,
  formatScope,
  ModelLoaderToken,
  WeightFormatToken,
  type ModelFacts,
  type WeightFormat,
} from '@llmf/nn';
import { modelFolder } from '@llmf/training';

/** Bytes of a model's frozen weights, from its config and the headers of its files. */
export interface FormatSizes {
  readonly parameters: number;
  /** As the run keeps them. */
  readonly chosen: number;
  /** By format, those that the files can be kept in. */
  readonly byFormat: ReadonlyMap<string, number>;
}

/** What the weights of `model.path` take in each format; none of them is read. @throws what loading the model would throw */
export async function formatSizes(run: Run): Promise<FormatSizes> {
  const { container, config } = run;
  const folder = await modelFolder(run);
  const find = (type: string) => findNamed(container, ArchitectureToken, type, join(folder, 'config.json'));
  const facts = await container.resolve(ModelLoaderToken).inspect(folder, find);
  const chosen = facts.weightBytes(chosenFormats(container, config.choices['quantization']?.[0]));
  const sizes = container.resolveAll(WeightFormatToken).flatMap((format) => {
    const bytes = bytesIn(facts, container, format);
    return bytes === null ? [] : [[format.name, bytes] as const];
  });
  return { parameters: facts.parameters, chosen, byFormat: new Map(sizes) };
}

/** null where the model cannot be kept in it. */
function bytesIn(facts: ModelFacts, container: Container, format: WeightFormat): number | null {
  const options = format.options?.safeParse({});
  if (options?.success === false) return null;
  const own = options === undefined ? {} : (options.data as Record<string, unknown>);
  const choice: Choice = { name: format.name, weight: 1, options: { ...formatScope.parse({}), ...own } };
  try {
    return facts.weightBytes(chosenFormats(container, choice));
  } catch (error) {
    if (LlmfError.is(error)) return null;
    throw error;
  }
}

/** `134,515,008 weights: 257 MiB as the run keeps them; nf4 109 MiB, …` */
export function sizesText({ parameters, chosen, byFormat }: FormatSizes): string {
  const text = (bytes: number) => formatBytes(bytes, { binary: true });
  const others = [...byFormat].map(([name, bytes]) => `${name} ${text(bytes)}`);
  const weights = parameters.toLocaleString('en');
  return `${weights} weights, ${text(chosen)} as this run keeps them where they are frozen (${others.join(', ')})`;
}

/** What the peak would be in each format: `nf4 1.2 GiB, int8 …`. */
export function peaksText(peak: number, { chosen, byFormat }: FormatSizes): string {
  const peaks = [...byFormat].map(([name, bytes]) => `${name} ${formatBytes(peak - chosen + bytes, { binary: true })}`);
  return `  with \`quantization\`          ${peaks.join(', ')}`;
}
