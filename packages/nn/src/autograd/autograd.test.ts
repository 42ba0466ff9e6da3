// SPDX-License-Identifier: Apache-2.0
import '@tensorflow/tfjs-backend-wasm';
import { normals } from '@llmf/core';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { attention, linear, rmsNorm, selectedLogProbs, spansOf, swiglu } from '../ops/index.js';
import { tf } from '../tf.js';
import { checkpoint, grads, valueAndGradients } from './index.js';

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  let before: { numTensors: number; numDataBuffers: number };
  const held: Variable[] = [];

  beforeEach(async () => {
    await tf.setBackend(backend);
    before = tf.memory();
  });

  afterEach(() => {
    for (const variable of held.splice(0)) variable.dispose();
    const after = tf.memory();
    expect([after.numTensors, after.numDataBuffers]).toEqual([before.numTensors, before.numDataBuffers]);
  });

  function variable(site: string, shape: readonly number[]): Variable {
    const size = shape.reduce((product, length) => product * length, 1);
    const values = normals({ seed: 5, stream: 'autograd', step: 0, microbatch: 0 }, site, size);
    const tensor = tf.tensor(values, [...shape], 'float32');
    const kept = tf.variable(tensor);
    tensor.dispose();
    held.push(kept);
    return kept;
  }

  /** Gradients on the host, in the order the sink got them. */
  function gradientsOf(loss: () => Tensor, variables: readonly Variable[]): [Variable, number[]][] {
    const found: [Variable, number[]][] = [];
    const result = valueAndGradients(
      () => ({ loss: loss() as Scalar }),
      variables,
      (of, gradient) => {
        found.push([of, [...gradient.dataSync()]]);
        gradient.dispose();
      },
    );
    result.loss.dispose();
    return found;
  }

  describe('valueAndGradients', () => {
    it('gives the loss and the gradient of each variable', () => {
      const x = variable('x', [3]);
      const [[of, gradient]] = gradientsOf(() => tf.sum(tf.square(x)), [x]) as [[Variable, number[]]];
      expect(of).toBe(x);
      expect(gradient).toEqual([...x.dataSync()].map((value) => Math.fround(2 * value)));
    });

    it('agrees with tfjs on a function that branches and joins', () => {
      const [a, b] = [variable('a', [2, 3]), variable('b', [2, 3])];
      const loss = () => {
        const shared = tf.tanh(tf.mul(a, b));
        return tf.sum(tf.add(tf.mul(shared, a), tf.exp(tf.sub(shared, b)))) as Scalar;
      };
      const ours = new Map(gradientsOf(loss, [a, b]));
      const theirs = tf.variableGrads(loss, [a, b]);
      for (const of of [a, b]) {
        const expected = theirs.grads[of.name]!.dataSync();
        for (const [i, value] of ours.get(of)!.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
      }
      tf.dispose([theirs.value, ...Object.values(theirs.grads)]);
    });

    it('calls the sink walking back, each variable once when nothing earlier can add to it', () => {
      const [first, second, both] = [variable('first', [2]), variable('second', [2]), variable('both', [2])];
      const loss = () => {
        const early = tf.mul(tf.mul(first, both), 2);
        return tf.sum(tf.mul(tf.mul(early, second), both));
      };
      const order = () => gradientsOf(loss, [both, first, second]).map(([of]) => of);
      // `both` was used together with `first` in the first operation, so it is complete at the very end, in input order.
      expect(order()).toEqual([second, first, both]);
      expect(order()).toEqual([second, first, both]);
    });

    it('leaves out variables that the loss does not depend on', () => {
      const [used, unused] = [variable('used', [2]), variable('unused', [2])];
      const found = gradientsOf(() => {
        tf.square(unused);
        return tf.sum(used);
      }, [used, unused]);
      expect(found.map(([of]) => of)).toEqual([used]);
    });

    it('treats variables that are not listed as constants', () => {
      const [trained, frozen] = [variable('trained', [2]), variable('frozen', [2])];
      expect(gradientsOf(() => tf.sum(tf.mul(trained, frozen)), [trained])).toEqual([
        [trained, [...frozen.dataSync()]],
      ]);
    });

    it('keeps alive what forward returns besides the loss', () => {
      const x = variable('x', [3]);
      const result = valueAndGradients(
        () => {
          const squares = tf.square(x);
          return { loss: tf.sum(squares) as Scalar, metrics: { squares } };
        },
        [x],
        (_, gradient) => gradient.dispose(),
      );
      expect(result.metrics.squares.dataSync()[0]).toBe(Math.fround(x.dataSync()[0]! ** 2));
      tf.dispose([result.loss, result.metrics.squares]);
    });

    it('gives its result to the surrounding tidy', () => {
      const x = variable('x', [3]);
      tf.tidy(() => {
        const { loss } = valueAndGradients(
          () => ({ loss: tf.sum(x) as Scalar }),
          [x],
          (_, gradient) => gradient.dispose(),
        );
        expect(loss.isDisposed).toBe(false);
      });
    });

    it('frees while it walks back: a chain needs as much memory as its forward pass, and two gradients', () => {
      const x = variable('x', [1000]);
      const links = 20;
      const bytes: number[] = [];
      const link = (value: Tensor) => {
        const op = tf.customGrad((input, save) => {
          (save as (tensors: Tensor[]) => void)([input as Tensor]);
          return {
            value: tf.mul(input as Tensor, 1.01),
            gradFunc: (dy: Tensor) => {
              bytes.push(tf.memory().numBytes);
              return tf.mul(dy, 1.01);
            },
          };
        });
        return op(value);
      };
      gradientsOf(() => {
        let value: Tensor = x;
        for (let i = 0; i < links; i++) value = tf.tidy(() => link(value));
        return tf.sum(value);
      }, [x]);
      // Each step back frees one saved activation of 4000 bytes.
      expect(bytes).toHaveLength(links);
      for (const [i, now] of bytes.entries()) if (i > 0) expect(now).toBe(bytes[i - 1]! - 4000);
    });

    it('does not keep the operands of residual additions and reshapes', () => {
      const x = variable('x', [100]);
      let kept = 0;
      const result = valueAndGradients(
        () => {
          const base = tf.memory().numBytes;
          const y = tf.tidy(() => tf.reshape(tf.add(tf.mul(x, 2), tf.mul(x, 3)), [10, 10]));
          const z = tf.tidy(() => rmsNorm(y, tf.ones([10]), 1e-6)); // looks at the tape
          kept = tf.memory().numBytes - base;
          return { loss: tf.sum(z) as Scalar };
        },
        [x],
        (_, gradient) => gradient.dispose(),
      );
      result.loss.dispose();
      // y and z and what stays for the gradients: x twice and the scalars 2 and 3 of the products, y and the weight of the norm.
      expect(kept).toBeLessThanOrEqual(4 * (100 * 5 + 10 + 4));
    });

    it('stops at whole numbers: indices of a chosen order have no gradient', () => {
      const x = variable('x', [4]);
      const [[, gradient]] = gradientsOf(() => {
        const order = tf.topk(x, 2).indices;
        return tf.sum(tf.gather(x, order as never));
      }, [x]) as [[Variable, number[]]];
      expect(gradient.filter((value) => value === 1)).toHaveLength(2);
    });

    it('handles a loss that is a variable itself, and one without any', () => {
      const x = variable('x', []);
      expect(gradientsOf(() => x, [x])).toEqual([[x, [1]]]);
      expect(gradientsOf(() => tf.scalar(3), [x])).toEqual([]);
    });

    it('leaves nothing behind when forward throws', () => {
      const x = variable('x', [3]);
      const fails = () => {
        tf.exp(tf.square(x));
        throw new Error('in forward');
      };
      expect(() => gradientsOf(fails, [x])).toThrow('in forward');
      expect(tf.engine().isTapeOn()).toBe(false);
    });

    it('leaves nothing behind when a gradient throws', () => {
      const x = variable('x', [3]);
      const op = tf.customGrad((input) => ({
        value: tf.square(input as Tensor),
        gradFunc: () => {
          throw new Error('in gradient');
        },
      }));
      expect(() => gradientsOf(() => tf.sum(tf.exp(op(tf.mul(x, 2)))), [x])).toThrow('in gradient');
    });

    it('leaves nothing behind when the sink throws', () => {
      const x = variable('x', [3]);
      const sink = (_: Variable, gradient: Tensor) => {
        gradient.dispose();
        throw new Error('in sink');
      };
      expect(() => valueAndGradients(() => ({ loss: tf.sum(tf.square(x)) as Scalar }), [x], sink)).toThrow('in sink');
    });

    it('refuses a loss that is not a scalar', () => {
      const x = variable('x', [3]);
      expect(() => gradientsOf(() => tf.square(x), [x])).toThrow(/LLMF_NN_LOSS_NOT_SCALAR: .*\n {2}got: shape \[3\]/);
    });

    it('names the kernel that has no gradient', () => {
      const x = variable('x', [3]);
      expect(() => gradientsOf(() => tf.sum(tf.cumprod(x)), [x])).toThrow(
        /LLMF_NN_NO_GRADIENT: no gradient is known for Cumprod/,
      );
    });

    it('refuses to run within another pass', () => {
      const x = variable('x', [3]);
      const inner = () => gradientsOf(() => tf.sum(x), [x]) && tf.scalar(1);
      expect(() => gradientsOf(inner, [x])).toThrow(/LLMF_NN_NESTED_PASS/);
    });
  });

  describe('ops within a pass', () => {
    const frozen = (shape: [number, number]): Tensor2D => tf.keep(tf.ones(shape));

    it('do not keep the input of a frozen linear layer', () => {
      const x = variable('x', [50, 8]);
      const weight = frozen([4, 8]);
      let saved = 0;
      const { loss } = valueAndGradients(
        () => {
          const input = tf.mul(x, 1) as Tensor2D;
          const beforeOp = tf.memory().numTensors;
          const y = linear(input, weight);
          saved = tf.memory().numTensors - beforeOp - 1;
          return { loss: tf.sum(y) as Scalar };
        },
        [x],
        (_, gradient) => gradient.dispose(),
      );
      expect(saved).toBe(1); // the weight alone
      tf.dispose([loss, weight]);
    });

    it('record nothing where no variable lies below', () => {
      const [x, weight, scale] = [frozen([3, 8]), frozen([4, 8]), variable('scale', [])];
      let saved = -1;
      const { loss } = valueAndGradients(
        () => {
          const beforeOp = tf.memory().numTensors;
          const y = swiglu(linear(x, weight), linear(x, weight));
          saved = tf.memory().numTensors - beforeOp - 3;
          return { loss: tf.mul(tf.sum(y), scale) as Scalar };
        },
        [scale],
        (_, gradient) => gradient.dispose(),
      );
      expect(saved).toBe(0);
      tf.dispose([loss, x, weight]);
    });

    it('compute cheap outputs again, once for all who need them, with the same bits, and leave nothing', async () => {
      const [x, norm] = [variable('x', [50, 8]), variable('norm', [8])];
      const weights = ['gate', 'up', 'down'].map((name) => variable(name, [8, 8]));
      const [gate, up, down] = weights as unknown as [Tensor2D, Tensor2D, Tensor2D];
      const run = (keeps: boolean) => {
        // A copy that stands between hides the recipe: what it copies is kept.
        const seen = (tensor: Tensor2D) => (keeps ? (tf.mul(tensor, 1) as Tensor2D) : tensor);
        const found = new Map<string, Float32Array>();
        const { loss } = valueAndGradients(
          () => {
            const normed = seen(rmsNorm(tf.mul(x, 1) as Tensor2D, norm as unknown as Tensor1D, 1e-5));
            const gated = seen(swiglu(linear(normed, gate), linear(normed, up)));
            return { loss: tf.sum(tf.square(linear(gated, down))) as Scalar };
          },
          [x, norm, ...weights],
          (leaf, gradient) => {
            found.set(leaf.name, gradient.dataSync() as Float32Array);
            gradient.dispose();
          },
        );
        loss.dispose();
        return found;
      };
      const kept = run(true);
      let recomputed: typeof kept | undefined;
      const { kernels } = await tf.profile(() => {
        recomputed = run(false);
        return [];
      });
      expect(recomputed).toEqual(kept);
      const calls = (kernel: string) => kernels.filter(({ name }) => name === kernel).length;
      expect([calls('LlmfRmsNorm'), calls('LlmfSwiglu')]).toEqual([2, 2]);
    });

    it('make no zeros for auxiliary outputs', () => {
      const makeTensor = vi.spyOn(tf.engine(), 'makeTensor');
      const [q, k, v] = [variable('q', [4, 2, 4]), variable('k', [4, 2, 4]), variable('v', [4, 2, 4])];
      const { loss } = valueAndGradients(
        () => ({
          loss: tf.sum(
            attention(q as never, k as never, v as never, { spans: spansOf([{ start: 0, length: 4 }]) }),
          ) as Scalar,
        }),
        [q, k, v],
        (_, gradient) => gradient.dispose(),
      );
      // logSumExp is [4, 2]: no tensor of zeros of that size was made.
      const madeZeros = makeTensor.mock.calls.filter(
        ([values]) => values instanceof Float32Array && values.length === 8 && values.every((x) => x === 0),
      );
      expect(madeZeros).toEqual([]);
      makeTensor.mockRestore();
      loss.dispose();
    });

    it('give the gradient of one statistic alone', () => {
      const [hidden, head] = [variable('hidden', [2, 3]), variable('head', [5, 3])];
      const rows = Int32Array.of(0, 1);
      const entropyOnly = gradientsOf(() => {
        const { entropy } = selectedLogProbs(hidden as never, head as never, rows, rows, { entropy: true });
        return tf.sum(entropy!);
      }, [hidden]);
      const naive = gradientsOf(() => {
        const logP = tf.logSoftmax(tf.matMul(hidden as never, tf.transpose(head)));
        return tf.neg(tf.sum(tf.mul(tf.exp(logP), logP)));
      }, [hidden]);
      for (const [i, value] of entropyOnly[0]![1].entries()) expect(value).toBeCloseTo(naive[0]![1][i]!, 5);
    });

    it("work under tfjs's own gradient functions", () => {
      const [x, weight] = [variable('x', [3, 4]), variable('weight', [4])];
      const loss = () => tf.sum(tf.square(rmsNorm(x, weight as never, 1e-6))) as Scalar;
      const theirs = tf.variableGrads(loss, [x, weight]);
      const ours = new Map(gradientsOf(loss, [x, weight]));
      for (const of of [x, weight]) expect([...theirs.grads[of.name]!.dataSync()]).toEqual(ours.get(of));
      tf.dispose([theirs.value, ...Object.values(theirs.grads)]);
    });
  });

  describe('checkpoint', () => {
    const size = 8;
    const weights = () =>
      ['gate', 'up', 'down', 'norm'].map((name) => variable(name, name === 'norm' ? [size] : [size, size]));

    function block([gate, up, down, norm]: readonly Variable[]) {
      return (x: Tensor2D) =>
        tf.tidy(() => {
          const h = rmsNorm(x, norm as never, 1e-6);
          const y = linear(swiglu(linear(h, gate as never), linear(h, up as never)), down as never);
          return tf.add(x, y) as Tensor2D;
        });
    }

    const asMap = (found: readonly [Variable, number[]][]) =>
      Object.fromEntries(found.map(([of, values]) => [of.id, values]));

    it('gives the same bits as without, for the input and for variables used by closure', () => {
      const [x, first, second] = [variable('x', [5, size]), weights(), weights()];
      const [one, two] = [block(first), block(second)];
      const plain = gradientsOf(() => tf.sum(tf.square(two(one(x as never)))), [x, ...first, ...second]);
      const checkpointed = gradientsOf(
        () => tf.sum(tf.square(checkpoint(two, checkpoint(one, x as Variable as never)))),
        [x, ...first, ...second],
      );
      expect(checkpointed).toHaveLength(9);
      expect(asMap(checkpointed)).toEqual(asMap(plain));
    });

    it('reaches the variables of a block whose input needs no gradient', () => {
      const [x, inside] = [tf.ones([5, size]) as Tensor2D, weights()];
      const plain = gradientsOf(() => tf.sum(block(inside)(x)), inside);
      const checkpointed = gradientsOf(() => tf.sum(checkpoint(block(inside), x)), inside);
      expect(checkpointed).toHaveLength(4);
      expect(asMap(checkpointed)).toEqual(asMap(plain));
      x.dispose();
    });

    it('keeps of each block its input only', () => {
      const [x, inside] = [variable('x', [50, size]), weights()];
      const peak = (use: (x: Tensor2D) => Tensor2D) => {
        let bytes = 0;
        const base = tf.memory().numBytes;
        gradientsOf(() => {
          let y = x as Tensor as Tensor2D;
          for (let i = 0; i < 6; i++) y = use(y);
          bytes = tf.memory().numBytes - base;
          return tf.sum(y);
        }, inside);
        return bytes / (4 * 50 * size);
      };
      const inner = block(inside);
      // Six inputs to the blocks, saved by reference, and the output of each still in scope: two handles per block.
      expect(peak((y) => checkpoint(inner, y))).toBeLessThanOrEqual(12.1);
      // Without: three more of each block, what norm and swiglu give being computed again.
      expect(peak(inner)).toBeGreaterThan(24);
    });

    it('nests', () => {
      const [x, first, second] = [variable('x', [5, size]), weights(), weights()];
      const [one, two] = [block(first), block(second)];
      const outer = (y: Tensor2D) => checkpoint(two, checkpoint(one, y));
      const plain = gradientsOf(() => tf.sum(two(one(x as never))), [x, ...first, ...second]);
      const nested = gradientsOf(() => tf.sum(checkpoint(outer, x as never)), [x, ...first, ...second]);
      expect(asMap(nested)).toEqual(asMap(plain));
    });

    it('sums over two uses of one variable in two blocks', () => {
      const [x, shared] = [variable('x', [5, size]), weights()];
      const inner = block(shared);
      const plain = gradientsOf(() => tf.sum(inner(inner(x as never))), shared);
      const checkpointed = gradientsOf(() => tf.sum(checkpoint(inner, checkpoint(inner, x as never))), shared);
      for (const [of, values] of checkpointed) {
        const expected = new Map(plain).get(of)!;
        for (const [i, value] of values.entries())
          expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-4 * (1 + Math.abs(value)));
      }
    });

    it('leaves a block alone that no gradient flows through', () => {
      const [x, loose] = [tf.ones([2, size]) as Tensor2D, variable('loose', [])];
      let runs = 0;
      const constant = (y: Tensor2D) => {
        runs++;
        return tf.mul(y, 2) as Tensor2D;
      };
      gradientsOf(() => tf.mul(tf.sum(checkpoint(constant, x)), loose), [loose]);
      expect(runs).toBe(1);
      x.dispose();
    });

    it('passes an identity through', () => {
      const x = variable('x', [2, size]);
      const [[, gradient]] = gradientsOf(() => tf.sum(checkpoint((y: Tensor2D) => y, x as never)), [x]) as [
        [Variable, number[]],
      ];
      expect(gradient.every((value) => value === 1)).toBe(true);
    });

    it('leaves nothing behind when a gradient throws in the second pass', () => {
      const [x, inside] = [variable('x', [2, size]), variable('inside', [size])];
      const breaks = tf.customGrad((input) => ({
        value: tf.square(input as Tensor),
        gradFunc: () => {
          throw new Error('in gradient');
        },
      }));
      const fragile = (y: Tensor2D) => tf.add(breaks(y), inside) as Tensor2D;
      expect(() => gradientsOf(() => tf.sum(checkpoint(fragile, tf.mul(x, 2) as never)), [x, inside])).toThrow(
        'in gradient',
      );
    });

    it('is the block itself outside of a pass', () => {
      const x = tf.ones([2, size]) as Tensor2D;
      const y = checkpoint((z: Tensor2D) => tf.mul(z, 2) as Tensor2D, x);
      expect(y.dataSync()[0]).toBe(2);
      tf.dispose([x, y]);
    });

    it('leaves nothing behind when the second pass throws', () => {
      const x = variable('x', [2, size]);
      let runs = 0;
      const fragile = (y: Tensor2D) => {
        if (++runs === 2) throw new Error('second time');
        return tf.exp(tf.square(y)) as Tensor2D;
      };
      expect(() => gradientsOf(() => tf.sum(tf.square(checkpoint(fragile, tf.mul(x, 2) as never))), [x])).toThrow(
        'second time',
      );
    });
  });

  describe('grads', () => {
    it('takes the gradient of the value, and gives zero where it does not depend on an input', () => {
      const [a, b] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
      const dy = tf.tensor1d([10, 100]);
      const { value, gradients } = grads<[Tensor, Tensor], Tensor>((x) => tf.square(x))([a, b], dy);
      expect([...gradients[0].dataSync()]).toEqual([20, 400]);
      expect([...gradients[1].dataSync()]).toEqual([0, 0]);
      tf.dispose([a, b, dy, value, ...gradients]);
    });
  });
});
