// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '../errors.js';

const brokenFile = 'fetch or write the file again; it is damaged or was not written to its end';

/** Errors of files that llmf reads and writes as a whole: safetensors, atomic writes. */
export const fileErrors = defineErrors('core', {
  safetensorsMissing: (f: { file: string; reason: string }) => ({
    what: 'the safetensors file cannot be read',
    where: f.file,
    got: f.reason,
    fix: 'check the path and the permissions',
  }),
  safetensorsTruncated: (f: { file: string; got: string; expected: string; tensor?: string }) => ({
    what: 'the safetensors file is cut short',
    where: f.tensor === undefined ? f.file : `${f.file}, tensor ${f.tensor}`,
    got: f.got,
    expected: f.expected,
    fix: brokenFile,
  }),
  safetensorsHeader: (f: { file: string; got: string; expected: string; tensor?: string }) => ({
    what: 'the safetensors header is wrong',
    where: f.tensor === undefined ? f.file : `${f.file}, tensor ${f.tensor}`,
    got: f.got,
    expected: f.expected,
    fix: brokenFile,
  }),
  safetensorsDuplicate: (f: { file: string; tensor: string }) => ({
    what: 'the safetensors header names a tensor twice',
    where: f.file,
    got: f.tensor,
    expected: 'each name once',
    fix: 'write the file again with distinct names',
  }),
  safetensorsDtype: (f: { file: string; tensor: string; got: string; known: readonly string[] }) => ({
    what: 'a tensor has a dtype that llmf does not read',
    where: `${f.file}, tensor ${f.tensor}`,
    got: f.got,
    expected: `one of ${f.known.join(', ')}`,
    fix: 'convert the checkpoint, for example to BF16',
  }),
  safetensorsOffsets: (f: { file: string; tensor: string; got: string; expected: string }) => ({
    what: 'the bytes of a tensor are not where they can be',
    where: `${f.file}, tensor ${f.tensor}`,
    got: f.got,
    expected: f.expected,
    fix: brokenFile,
  }),
  safetensorsUnknown: (f: { file: string; tensor: string; nearest: readonly string[] }) => ({
    what: `there is no tensor "${f.tensor}"`,
    where: f.file,
    expected: f.nearest.length > 0 ? `such as ${f.nearest.join(', ')}` : 'a file that holds tensors',
    fix: 'check that this file belongs to the model',
  }),
  safetensorsData: (f: { tensor: string; got: string; expected: string }) => ({
    what: 'a tensor to be written does not have the bytes that its shape says',
    where: f.tensor,
    got: f.got,
    expected: f.expected,
  }),
  safetensorsIndex: (f: { file: string; got: string; expected: string }) => ({
    what: 'the index of a sharded checkpoint is wrong',
    where: f.file,
    got: f.got,
    expected: f.expected,
    fix: 'fetch the whole model folder again',
  }),
  noWeights: (f: { folder: string; found: readonly string[] }) => ({
    what: 'the folder holds no safetensors weights',
    where: f.folder,
    got: f.found.length > 0 ? f.found.join(', ') : 'an empty folder',
    expected: 'model.safetensors, or model.safetensors.index.json and its shards',
    fix: 'check the path; older checkpoints (pytorch_model.bin) must be saved as safetensors first',
  }),
  linkOutside: (f: { file: string; target: string }) => ({
    what: 'a link in a model folder leads out of it; it is not followed',
    where: f.file,
    got: f.target,
    expected: 'files, or links within the folder',
    fix: 'if the link is your own, put the file in its place (cp -L), or name the folder that it leads to',
  }),
  strangeFile: (f: { file: string }) => ({
    what: 'something in a model folder is no file, though its name says so',
    where: f.file,
    got: 'a device, a pipe or a socket',
    fix: 'remove it',
  }),
  notRegularFile: (f: { path: string }) => ({
    what: 'what stands where a file is to be written is none, and is not replaced',
    where: f.path,
    got: 'a folder, a device, a pipe or a socket',
    expected: 'a file, or nothing yet',
    fix: 'name a file',
  }),
  noSpace: (f: { path: string; reason: string; kept: string }) => ({
    what: 'there is no space left on the disk',
    where: f.path,
    got: f.reason,
    expected: `room for the new files; ${f.kept}`,
    fix: 'free some space or choose another output folder, then continue with --resume',
  }),
  folderInUse: (f: { path: string; found: readonly string[] }) => ({
    what: 'the folder to be written exists already',
    where: f.path,
    got: f.found.slice(0, 5).join(', '),
    expected: 'a new or empty folder',
    fix: 'choose another folder or move this one away',
  }),
});
