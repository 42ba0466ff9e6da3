// SPDX-License-Identifier: Apache-2.0
/**
 * Mixtures of experts: a router gives each token a probability for every expert, the likeliest k compute it, and their
 * outputs are added by those probabilities (Shazeer et al., 2017, arXiv 1701.06538; Fedus et al., 2021, arXiv 2101.03961).
 */
import type { ActiveAdapter, ExpertLayers, ForwardContext, LinearLayer } from '../contracts/model.js';
import type { LowRank } from '../contracts/low-rank.js';
import { bySegment } from '../layers/by-segment.js';
import type { Linear } from '../layers/linear.js';
import { combineExperts } from '../ops/combine-experts/combine-experts.js';
import { embedding } from '../ops/embedding/embedding.js';
import { isInHostMemory } from '../ops/host-memory.js';
import { groupedLinear } from '../ops/grouped-linear/grouped-linear.js';
import { routeTokens, type Routes } from '../ops/route-tokens/route-tokens.js';
import { tf } from '../tf.js';
import type { GatedActivation } from './activation.js';

/** The layers of one expert, without biases. */
type Expert = ExpertLayers<Linear>;

export interface RoutingOptions {
  /** k, the experts that compute a token. */
  readonly perToken: number;
  /** The chosen probabilities are divided by their sum. */
  readonly isNormalised: boolean;
  readonly gated: GatedActivation;
}

/** Tokens [T, C] through a router and the experts that it chooses for each. */
export class RoutedExperts {
  /** @param gate the router, [experts, C] */
  constructor(
    private readonly gate: Linear,
    private readonly experts: readonly Expert[],
    private readonly options: RoutingOptions,
  ) {}

  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    if (context.adapter?.ofSegments !== undefined) return bySegment(x, context, (rows, own) => this.forward(rows, own)); // experts see rows in another order
    const probabilities = tf.softmax(this.gate.forward(x, context)) as tf.Tensor2D; // [T, E]
    const routes = routeTokens(probabilities, this.options.perToken);
    context.routed?.(probabilities, routes.chosen);
    const weights = this.weights(probabilities, routes); // [T, k]
    const lowRanks = this.lowRanks(context);
    return lowRanks === null ? this.oneByOne(x, weights, routes, context) : this.together(x, weights, routes, lowRanks);
  }

  /** Each layer of all experts in one operation. */
  private together(x: tf.Tensor2D, weights: tf.Tensor2D, routes: Routes, lowRanks: LowRanks): tf.Tensor2D {
    const { rows, starts, places } = routes;
    const layer = (input: tf.Tensor2D, name: keyof ExpertLayers) =>
      groupedLinear(
        input,
        starts,
        this.experts.map((expert) => expert[name].weight),
        { lowRanks: lowRanks[name] },
      );
    const inputs = embedding(rows, x); // [T · k, C]
    const inner = this.options.gated(layer(inputs, 'gate'), layer(inputs, 'up')); // [T · k, F]
    return combineExperts(layer(inner, 'down'), weights, places);
  }

  /** Each expert by itself, for adapters that change layers in other ways. */
  private oneByOne(x: tf.Tensor2D, weights: tf.Tensor2D, routes: Routes, context: ForwardContext): tf.Tensor2D {
    if (!isInHostMemory()) return this.everyToken(x, weights, routes, context);
    const starts = routes.starts.dataSync();
    const inputs = embedding(routes.rows, x); // [T · k, C]
    const outputs = this.experts.flatMap((expert, number) => {
      const [first, end] = [starts[number]!, starts[number + 1]!];
      return end === first ? [] : [this.expert(expert, tf.slice(inputs, [first, 0], [end - first, -1]), context)];
    });
    return combineExperts(tf.concat(outputs, 0), weights, routes.places);
  }

  /** Where nobody can read how many tokens an expert has: it computes all, and counts for those that chose it. */
  private everyToken(x: tf.Tensor2D, weights: tf.Tensor2D, { chosen }: Routes, context: ForwardContext): tf.Tensor2D {
    const choices = tf.reshape(chosen, weights.shape); // [T, k]
    const outputs = this.experts.map((expert, number) => {
      const isChosen = tf.cast(tf.equal(choices, tf.scalar(number, 'int32')), 'float32');
      const share = tf.sum(tf.mul(weights, isChosen), 1, true); // [T, 1]
      return tf.mul(share, this.expert(expert, x, context)) as tf.Tensor2D;
    });
    return tf.addN(outputs);
  }

  private expert({ gate, up, down }: Expert, x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return down.forward(this.options.gated(gate.forward(x, context), up.forward(x, context)), context);
  }

  /** The chosen probabilities [T, k]. */
  private weights(probabilities: tf.Tensor2D, { cells }: Routes): tf.Tensor2D {
    const { perToken, isNormalised } = this.options;
    const taken = embedding(cells, tf.reshape(probabilities, [probabilities.size, 1])); // [T · k, 1]
    const byToken: tf.Tensor2D = tf.reshape(taken, [taken.size / perToken, perToken]); // [T, k]
    return isNormalised ? tf.div(byToken, tf.sum(byToken, 1, true)) : byToken;
  }

  /** What the adapter adds to the experts' layers; null where it does more than one grouped product can. */
  private lowRanks({ adapter, training }: ForwardContext): LowRanks | null {
    const [gate, up, down] = (['gate', 'up', 'down'] as const).map((name) =>
      lowRanksOf(
        this.experts.map((expert) => expert[name]),
        adapter,
        training,
      ),
    );
    return gate && up && down ? { gate, up, down } : null;
  }
}

type LowRanks = Readonly<Record<keyof ExpertLayers, readonly (LowRank | null)[]>>;

/** Of layers of one shape, where all of it is low-rank, of one rank and scale and without dropout; else null. */
function lowRanksOf(
  layers: readonly LinearLayer[],
  adapter: ActiveAdapter | null,
  training: boolean,
): (LowRank | null)[] | null {
  if (adapter === null) return layers.map(() => null);
  const changes = adapter.transform !== undefined || adapter.transformInput !== undefined;
  if (changes && layers.some(({ path }) => adapter.changes?.(path) !== false)) return null;
  const lowRanks = layers.map(({ path }) => adapter.lowRank(path));
  const present = lowRanks.filter((each) => each !== null);
  const [first] = present;
  const areAlike = present.every(
    ({ a, scale, dropout }) =>
      a.shape[0] === first!.a.shape[0] && scale === first!.scale && (dropout === 0 || !training),
  );
  return areAlike ? lowRanks : null;
}
