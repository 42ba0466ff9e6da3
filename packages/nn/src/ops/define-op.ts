// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import { Recipe } from '../autograd/recipe.js';
import { currentTape, type Tape } from '../autograd/tape.js';
import { withoutTape } from '../autograd/without-tape.js';
import { tf } from '../tf.js';
import { packedOf } from '../weights/packed.js';
import { present, type Kernel } from './define-kernel.js';

type Names<Inputs> = keyof Inputs & string;
type OrAbsent<Tensors extends readonly Tensor[]> = { readonly [K in keyof Tensors]: Tensors[K] | null };

/** What a gradient is computed from. */
export interface GradientCall<Inputs, Attributes, Outputs extends readonly Tensor[], Saved> {
  /** Gradients of the outputs; null where nothing depends on one, so that an auxiliary output costs nothing. */
  readonly dys: OrAbsent<Outputs>;
  readonly saved: Saved;
  readonly attributes: Attributes;
  /** The inputs whose gradients are asked for. */
  readonly wants: ReadonlySet<Names<Inputs>>;
  /**
   * The gradient that an input has from elsewhere, where it has one: what is answered will be added to it. A gradient that
   * adds itself there in place answers with that very tensor.
   */
  readonly sums: { readonly [K in Names<Inputs>]?: Tensor };
}

export interface OpDefinition<Inputs, Attributes, Outputs extends readonly Tensor[], Saved> {
  /** Inputs that can have a gradient; of an op with any number of inputs, which of those given. */
  readonly differentiable: readonly Names<Inputs>[] | ((inputs: Inputs) => readonly Names<Inputs>[]);
  /** What the reverse pass needs for the wanted gradients, and no more: it stays in memory until then. */
  save(inputs: Inputs, outputs: Outputs, wants: ReadonlySet<Names<Inputs>>): Saved;
  /**
   * Present where the first output is cheap to compute from what is saved: whoever needs it in the reverse pass then
   * computes it again, with the same bits, instead of keeping it.
   */
  again?(saved: Saved, attributes: Attributes): Outputs[0];
  /** Gradients of the wanted inputs; in the shape of each. */
  gradient(call: GradientCall<Inputs, Attributes, Outputs, Saved>): { readonly [K in Names<Inputs>]?: Tensor };
}

/**
 * A kernel with a gradient. Within a recorded pass it keeps what its gradient needs; where no input needs one, or
 * nothing records, it is the kernel alone. Works under tfjs's own `tf.grads` as well.
 */
export function defineOp<
  Inputs extends object,
  Attributes extends object,
  Outputs extends readonly Tensor[],
  Saved extends Readonly<Record<string, Tensor | undefined>>,
>(
  kernel: Kernel<Inputs, Attributes, Outputs>,
  definition: OpDefinition<NoInfer<Inputs>, NoInfer<Attributes>, NoInfer<Outputs>, Saved>,
): (inputs: Inputs, attributes: Attributes) => Outputs {
  return (inputs, attributes) => {
    if (!tf.engine().isTapeOn()) return kernel(inputs, attributes);
    const tape = currentTape();
    const wants = wantedInputs(definition, inputs, tape);
    const outputs = withoutTape(() => kernel(inputs, attributes));
    if (wants.size === 0) return outputs;
    const node = nodeOf(kernel.kernelName, definition, { inputs, attributes, outputs }, wants, tape);
    if (tape !== null) tape.record(node);
    else tf.engine().state.activeTape.push({ id: tf.engine().state.nextTapeNodeId++, ...node });
    return outputs;
  };
}

function wantedInputs<Inputs extends object>(
  { differentiable }: Pick<OpDefinition<Inputs, never, never, never>, 'differentiable'>,
  inputs: Inputs,
  tape: Tape | null,
): Set<Names<Inputs>> {
  const names = typeof differentiable === 'function' ? differentiable(inputs) : differentiable;
  const tensors = inputs as Readonly<Record<string, Tensor | undefined>>;
  return new Set(names.filter((name) => tensors[name] !== undefined && (tape === null || tape.needs(tensors[name]))));
}

function nodeOf<
  Inputs extends object,
  Attributes extends object,
  Outputs extends readonly Tensor[],
  Saved extends Readonly<Record<string, Tensor | undefined>>,
>(
  kernelName: string,
  definition: OpDefinition<Inputs, Attributes, Outputs, Saved>,
  { inputs, attributes, outputs }: { inputs: Inputs; attributes: Attributes; outputs: Outputs },
  recorded: ReadonlySet<Names<Inputs>>,
  tape: Tape | null,
) {
  const isKept = tape?.mode !== 'observe';
  const { saved, owned, recomputed } = kept(isKept ? definition.save(inputs, outputs, recorded) : ({} as Saved), tape);
  if (isKept && definition.again !== undefined) {
    tape?.recipes.set(outputs[0]!.id, new Recipe(() => definition.again!(saved(), attributes)));
  }
  return {
    kernelName,
    inputs: present(inputs),
    outputs: [...outputs],
    saved: owned,
    recomputed,
    // tfjs's own pass asks for everything.
    gradient: (
      dys: (Tensor | null)[],
      wants: ReadonlySet<string> = recorded,
      sums: Readonly<Record<string, Tensor>> = {},
    ) => {
      const call = {
        dys: dys as unknown as OrAbsent<Outputs>,
        saved: saved(),
        attributes,
        wants: wants as ReadonlySet<Names<Inputs>>,
        sums: sums as { readonly [K in Names<Inputs>]?: Tensor },
      };
      const gradients = definition.gradient(call) as Record<string, Tensor>;
      const answers: Record<string, () => Tensor> = {};
      for (const name in gradients) answers[name] = () => gradients[name]!;
      return answers;
    },
  };
}

/**
 * Variables and packed weights live on anyway, and a tensor with a recipe is computed again; of anything else the node
 * keeps a reference of its own.
 */
function kept<Saved extends Readonly<Record<string, Tensor | undefined>>>(
  tensors: Saved,
  tape: Tape | null,
): { saved: () => Saved; owned: Tensor[]; recomputed: Recipe[] } {
  const owned: Tensor[] = [];
  const recipes: [name: string, recipe: Recipe][] = [];
  const held: Record<string, Tensor | undefined> = {};
  for (const name in tensors) {
    const tensor: Tensor | undefined = tensors[name];
    if (tensor === undefined || tensor instanceof tf.Variable || packedOf(tensor) !== null) {
      held[name] = tensor;
      continue;
    }
    const recipe = tape?.recipes.get(tensor.id);
    if (recipe !== undefined) recipes.push([name, recipe.wait()]);
    else owned.push((held[name] = tf.keep(withoutTape(() => tf.clone(tensor)))));
  }
  const saved = () => {
    const all = { ...held };
    for (const [name, recipe] of recipes) all[name] = recipe.get();
    return all as Saved;
  };
  return { saved, owned, recomputed: recipes.map(([, recipe]) => recipe) };
}
