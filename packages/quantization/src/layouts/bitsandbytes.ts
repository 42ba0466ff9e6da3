// SPDX-License-Identifier: Apache-2.0
/**
 * Folders as bitsandbytes and Transformers write them. 4 bits: a weight's codes in `X.weight`, and beside it absmax,
 * quant_map, with double quantization nested_absmax and nested_quant_map, and a JSON text as bytes in
 * `X.weight.quant_state.bitsandbytes__nf4`. 8 bits: codes in `X.weight`, scales of rows in `X.SCB`.
 * Transformers 5.18, integrations/bitsandbytes.py; bitsandbytes 0.50, functional.py, QuantState.
 */
import type { HostTensor } from '@llmf/core';
import type { LaidOutWeight, PackedWeight, QuantizedFolder, WeightLayout, WeightParts } from '@llmf/nn';
import { z } from 'zod';
import { fp4Book, nf4Book } from '../code-books.js';
import { fourBitOptions, fp4, nf4 } from '../four-bit.js';
import { int8 } from '../int8.js';
import { FolderReader, formOf } from './folder-reader.js';
import { layoutErrors } from './layout-errors.js';

const stateSuffix = /^(.*)\.quant_state\.bitsandbytes__(nf4|fp4)$/;
const scalesSuffix = '.SCB';
/** Written by versions of bitsandbytes before 0.45 beside the scales: the order of codes, 0 for rows; others were a GPU's. */
const formatSuffix = '.weight_format';

/** `quant_state`, as QuantState.as_dict writes it. */
const quantState = z.looseObject({
  quant_type: z.enum(['nf4', 'fp4']),
  blocksize: fourBitOptions.shape.blockSize.unwrap(),
  dtype: z.string().optional(),
  shape: z.tuple([z.int().min(1), z.int().min(1)]),
  nested_blocksize: z.literal(256).optional(),
  nested_offset: z
    .number()
    .refine((value) => Number.isFinite(Math.fround(value)), 'a float32')
    .optional(),
});
type QuantState = z.infer<typeof quantState>;

export const bitsandbytesLayout: WeightLayout = {
  name: 'bitsandbytes',
  description: 'folders of bitsandbytes: nf4, fp4 and int8',
  async open(folder) {
    const reader = new FolderReader(folder);
    const bits = bitsOf(folder);
    const weights = new Map<string, LaidOutWeight>();
    for (const key of reader.keys) {
      const state = stateSuffix.exec(key);
      if (state !== null) {
        checkKind(folder, key, bits, 4);
        weights.set(state[1]!, await fourBitWeight(reader, state[1]!, key));
      } else if (key.endsWith(scalesSuffix)) {
        checkKind(folder, key, bits, 8);
        const weight = `${key.slice(0, -scalesSuffix.length)}.weight`;
        weights.set(weight, await eightBitWeight(reader, weight, key));
      }
    }
    checkAll(folder, weights, bits);
    return weights;
  },
  writes: {
    formats: ['nf4', 'fp4', 'int8'],
    tensors: (key, weight, dtype) =>
      weight.format.name === 'int8'
        ? eightBitTensors(key, weight)
        : fourBitTensors(key, weight, dtypeNames[dtype] ?? 'float32'),
    settings: ({ name }, options, plain) => ({
      ...written,
      load_in_4bit: name !== 'int8',
      load_in_8bit: name === 'int8',
      _load_in_4bit: name !== 'int8',
      _load_in_8bit: name === 'int8',
      ...(name === 'int8'
        ? {}
        : { bnb_4bit_quant_type: name, bnb_4bit_use_double_quant: options['doubleQuantization'] }),
      llm_int8_skip_modules: plain.length === 0 ? null : plain,
    }),
  },
};

/** What BitsAndBytesConfig writes besides; its threshold of outliers is left to its default. */
const written = {
  quant_method: 'bitsandbytes',
  bnb_4bit_compute_dtype: 'bfloat16',
  bnb_4bit_quant_storage: 'uint8',
  bnb_4bit_quant_type: 'fp4',
  bnb_4bit_use_double_quant: false,
  llm_int8_enable_fp32_cpu_offload: false,
  llm_int8_has_fp16_weight: false,
};

const bookOf = { nf4: nf4Book, fp4: fp4Book };
const dtypeNames: Readonly<Record<string, string>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/** @throws LLMF_QUANTIZATION_LAYOUT_SETTINGS */
function bitsOf({ folder, settings }: QuantizedFolder): 4 | 8 {
  const [four, eight] = [settings['load_in_4bit'] === true, settings['load_in_8bit'] === true];
  if (four !== eight) return four ? 4 : 8;
  const got = `load_in_4bit ${four}, load_in_8bit ${eight}`;
  throw layoutErrors.layoutSettings({ folder, key: 'load_in_4bit', got, expected: 'one of both true' });
}

function checkKind({ folder }: QuantizedFolder, tensor: string, stated: number, found: number): void {
  if (stated === found) return;
  throw layoutErrors.layoutMixed({ folder, tensor, got: `a weight in ${found} bits`, expected: `${stated} bits` });
}

/** Bytes that no state explains are a weight that lost it. @throws LLMF_QUANTIZATION_LAYOUT_MISSING */
function checkAll({ folder, store }: QuantizedFolder, weights: ReadonlyMap<string, LaidOutWeight>, bits: 4 | 8): void {
  for (const [key, { dtype }] of store.tensors) {
    if (!key.endsWith('.weight') || weights.has(key) || (dtype !== 'U8' && dtype !== 'I8')) continue;
    const tensor = bits === 4 ? `${key}.quant_state.bitsandbytes__…` : `${key.replace(/weight$/, 'SCB')}`;
    throw layoutErrors.layoutMissing({ folder, tensor, weight: key });
  }
}

async function fourBitWeight(reader: FolderReader, key: string, stateKey: string): Promise<LaidOutWeight> {
  const state = await readState(reader, stateKey);
  const [rows, columns] = state.shape;
  const blocks = Math.ceil((rows * columns) / state.blocksize);
  const codes = reader.info(key, key);
  const isNested = state.nested_blocksize !== undefined;
  const wanted = Math.ceil((rows * columns) / 2);
  if (codes.dtype !== 'U8' || codes.shape.reduce((a, b) => a * b, 1) !== wanted) {
    throw reader.refuse(
      key,
      formOf(codes),
      `${wanted} bytes of codes for [${state.shape.join(', ')}], as quant_state says`,
    );
  }
  reader.check(`${key}.absmax`, key, [isNested ? 'U8' : 'F32'], [blocks]);
  const format = state.quant_type === 'nf4' ? nf4 : fp4;
  await checkBook(reader, key, state.quant_type);
  const names = ['absmax', 'quant_map', ...(isNested ? ['nested_absmax', 'nested_quant_map'] : [])];
  if (isNested) {
    reader.check(`${key}.nested_absmax`, key, ['F32'], [Math.ceil(blocks / 256)]);
    reader.check(`${key}.nested_quant_map`, key, ['F32'], [256]);
    if (state.nested_offset === undefined) throw reader.refuse(stateKey, 'no nested_offset', 'the mean of scales');
  }
  const options = { blockSize: state.blocksize, doubleQuantization: isNested };
  return {
    shape: state.shape,
    format,
    bytes: format.bytes(state.shape, options),
    tensors: [key, stateKey, ...names.map((name) => `${key}.${name}`)],
    read: async (mapFile) => ({
      codes: await reader.view(key, mapFile),
      book: await reader.floats(`${key}.quant_map`),
      blockSize: Uint32Array.of(state.blocksize),
      ...(isNested
        ? {
            scaleCodes: (await reader.read(`${key}.absmax`)).data,
            scaleBook: await reader.floats(`${key}.nested_quant_map`),
            nestedScales: await reader.floats(`${key}.nested_absmax`),
            scaleOffset: Float32Array.of(state.nested_offset!),
          }
        : { scales: await reader.floats(`${key}.absmax`) }),
    }),
  };
}

/** @throws LLMF_QUANTIZATION_LAYOUT_TENSOR */
async function readState(reader: FolderReader, key: string): Promise<QuantState> {
  const expected = 'JSON of quant_type, blocksize and shape';
  const text = Buffer.from((await reader.read(key)).data).toString('utf8');
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw reader.refuse(key, JSON.stringify(text.slice(0, 60)), expected);
  }
  const parsed = quantState.safeParse(content);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    const got = `${path.map(String).join('.')} ${JSON.stringify((content as Record<string, unknown>)?.[String(path[0])])}`;
    throw reader.refuse(key, got, message);
  }
  if (key.endsWith(parsed.data.quant_type)) return parsed.data;
  throw reader.refuse(key, `quant_type ${parsed.data.quant_type}`, 'the type of the tensor’s name');
}

/** The values that codes stand for are the type's own. @throws LLMF_QUANTIZATION_LAYOUT_TENSOR */
async function checkBook(reader: FolderReader, key: string, type: QuantState['quant_type']): Promise<void> {
  const name = `${key}.quant_map`;
  reader.check(name, key, ['F32'], [16]);
  const book = await reader.floats(name);
  const known = bookOf[type];
  if (book.every((value, code) => Math.abs(value - known[code]!) <= 1e-6)) return;
  throw reader.refuse(name, [...book].map((value) => value.toPrecision(3)).join(' '), `the values of ${type}`);
}

async function eightBitWeight(reader: FolderReader, key: string, scales: string): Promise<LaidOutWeight> {
  const { shape, dtype } = reader.info(key, key);
  if (dtype !== 'I8' || shape.length !== 2) throw reader.refuse(key, formOf({ shape, dtype }), 'a matrix of I8');
  reader.check(scales, key, ['F32'], [shape[0]!]);
  const format = `${key.replace(/\.weight$/, '')}${formatSuffix}`;
  if (reader.has(format)) {
    const [order] = (await reader.read(format)).data;
    if (order !== 0) throw reader.refuse(format, `codes in order ${order}`, '0: row after row');
  }
  return {
    shape,
    format: int8,
    bytes: int8.bytes(shape, {}),
    tensors: [key, scales, ...(reader.has(format) ? [format] : [])],
    read: async (mapFile): Promise<WeightParts> => {
      const { buffer, byteOffset, byteLength } = await reader.view(key, mapFile);
      return { codes: new Int8Array(buffer, byteOffset, byteLength), scales: await reader.floats(scales) };
    },
  };
}

function eightBitTensors(key: string, { shape, parts }: PackedWeight): Record<string, HostTensor> {
  return {
    [key]: { dtype: 'I8', shape, data: bytesOf(parts['codes']!) },
    [key.replace(/\.weight$/, scalesSuffix)]: { dtype: 'F32', shape: [shape[0]!], data: bytesOf(parts['scales']!) },
  };
}

function fourBitTensors(
  key: string,
  { format, shape, parts }: PackedWeight,
  dtype: string,
): Record<string, HostTensor> {
  const { codes, book, blockSize, scales, scaleCodes, scaleBook, nestedScales, scaleOffset } = parts;
  const isNested = scales === undefined;
  const state = {
    quant_type: format.name,
    blocksize: blockSize![0]!,
    dtype,
    shape,
    ...(isNested ? { nested_blocksize: 256, nested_dtype: 'float32', nested_offset: scaleOffset![0]! } : {}),
  };
  const floats = (part: WeightParts[string]) => tensorOf('F32', part);
  return {
    [key]: { dtype: 'U8', shape: [codes!.length, 1], data: bytesOf(codes!) },
    [`${key}.absmax`]: isNested ? tensorOf('U8', scaleCodes!) : floats(scales),
    [`${key}.quant_map`]: floats(book!),
    ...(isNested
      ? { [`${key}.nested_absmax`]: floats(nestedScales!), [`${key}.nested_quant_map`]: floats(scaleBook!) }
      : {}),
    [`${key}.quant_state.bitsandbytes__${format.name}`]: tensorOf('U8', Buffer.from(JSON.stringify(state))),
  };
}

const tensorOf = (dtype: HostTensor['dtype'], part: WeightParts[string] | Buffer): HostTensor => ({
  dtype,
  shape: [part.length],
  data: bytesOf(part),
});

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
