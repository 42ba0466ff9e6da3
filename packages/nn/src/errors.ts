// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('nn', {
  shape: (f: { op: string; input: string; got: readonly number[]; expected: string }) => ({
    what: `${f.op}: ${f.input} has the wrong shape`,
    got: `[${f.got.join(', ')}]`,
    expected: f.expected,
  }),
  value: (f: { op: string; input: string; got: string; expected: string }) => ({
    what: `${f.op}: ${f.input} is not allowed`,
    got: f.got,
    expected: f.expected,
  }),
  index: (f: { op: string; input: string; position: number; got: number; limit: number }) => ({
    what: `${f.op}: ${f.input}[${f.position}] is out of range`,
    got: String(f.got),
    expected: `an integer from 0 to ${f.limit - 1}`,
  }),
  spans: (f: { op: string; span: number; problem: string }) => ({
    what: `${f.op}: span ${f.span} does not fit its queries and keys`,
    got: f.problem,
    fix: 'build spans with spansOf(segments)',
  }),
  noGradient: (f: { kernel: string; input: string }) => ({
    what: `no gradient is known for ${f.kernel}`,
    where: `input ${f.input}`,
    fix: 'use an operation listed in the documentation of `tf`, or give the expression a gradient with tf.customGrad',
  }),
  gradientShape: (f: { kernel: string; input: string; got: string; expected: string }) => ({
    what: `the gradient of ${f.kernel} does not look like its input ${f.input}`,
    got: f.got,
    expected: f.expected,
  }),
  lossNotScalar: (f: { got: readonly number[] }) => ({
    what: 'only a scalar can be differentiated',
    got: `shape [${f.got.join(', ')}]`,
    expected: 'a loss of shape []',
  }),
  nestedPass: () => ({
    what: 'valueAndGradients was called while another forward pass is being recorded',
    fix: 'call it outside of the other pass; use checkpoint() to recompute a block',
  }),
  twoCopies: (f: { versions: readonly string[] }) => ({
    what: 'two copies of @llmf/nn are loaded in one process',
    got: f.versions.join('; '),
    expected: 'one copy, shared by every plugin through peerDependencies',
    fix: 'reinstall so that one version of @llmf/nn satisfies all plugins (`npm ls @llmf/nn` shows who asks for which)',
  }),
  formatRefused: (f: { format: string; weight: string; shape: readonly number[]; reason: string }) => ({
    what: `${f.weight} cannot be kept in ${f.format}`,
    where: 'quantization',
    got: `[${f.shape.join(', ')}]`,
    expected: f.reason,
    fix: 'leave the layer out with `quantization.layers`, or choose another format',
  }),
  formatLayers: (f: { layer: string; known: readonly string[] }) => ({
    what: 'quantization.layers names no linear layer of this model',
    where: 'quantization.layers',
    got: f.layer,
    expected: `all, a /pattern/, or some of: ${f.known.join(', ')}`,
    fix: 'use one of these names',
  }),
  weightNotRead: (f: { weight: string }) => ({
    what: `${f.weight} is an outline, whose values were not read`,
    got: 'something that computes with them',
    expected: 'names, shapes and forms of weights alone to be asked for',
    fix: 'load the model without `outline`',
  }),
  packedExpanded: (f: { op: string; shape: readonly number[]; format: string }) => ({
    what: `${f.op} read a packed ${f.format} weight as float32 during training`,
    got: `a weight of shape [${f.shape.join(', ')}]`,
    expected: 'an operation of @llmf/nn, which reads packed weights or expands them for one call',
    fix: 'use linear, embedding or selectedLogProbs for frozen weights, or `quantization: f32`',
  }),
  badPattern: (f: { option: string; target: string; reason: string }) => ({
    what: `${f.option} is not a regular expression`,
    where: f.option,
    got: `${f.target} (${f.reason})`,
    fix: 'correct the pattern',
  }),
});
