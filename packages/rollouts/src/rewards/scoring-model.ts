// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path';
import { isThereSync, type Run } from '@llmf/core';
import {
  adapterKindOf,
  AdapterToken,
  AttachedHead,
  ModelLoaderToken,
  type AttachedAdapter,
  type Model,
  type SavedHeads,
} from '@llmf/nn';
import { DataServiceToken, loadModel, type EncodedRow, type Policy } from '@llmf/training';
import type { RewardContext, Sample } from '../contracts/reward.js';
import { rolloutsErrors } from '../rollouts-errors.js';

type Tokens = Pick<EncodedRow, 'prompt' | 'responses'>;

/** A model that scores answers with a head, and how a sample becomes tokens for it. */
export interface ScoringModel {
  readonly description: string;
  readonly model: Model;
  readonly adapter: AttachedAdapter | null;
  readonly head: AttachedHead;
  read(sample: Sample): Tokens;
  dispose(): void;
}

/** An adapter with a head on the policy's own base, or the folder of a sequence classifier. */
export async function openScoringModel(context: RewardContext, path: string, template: string): Promise<ScoringModel> {
  const folder = resolve(context.run.folder, path);
  if (isThereSync(join(folder, 'adapter_config.json'))) return await adapterOnPolicy(context, path, folder);
  return await classifierFolder(context.run, path, template);
}

/** Another model, whatever its architecture and tokenizer: it reads the text, in its own template. */
async function classifierFolder(run: Run, path: string, template: string): Promise<ScoringModel> {
  const loader = run.container.resolve(ModelLoaderToken);
  const folder = await loader.locate(path, run.folder);
  const saved = await loader.heads(folder);
  checkHead(path, saved);
  const service = run.container.resolve(DataServiceToken);
  const reader = await service.reader(run, folder, template);
  const canReadIds = await service.sharesVocabulary(run, folder);
  const model = await loadModel(run, folder);
  const head = AttachedHead.load(saved.heads[0]!, model.hiddenSize, saved);
  const weights = [...model.parameters.values()].reduce((sum, { value }) => sum + value.size, 0);
  return {
    description: `the reward model ${path} (${model.modelType}, ${weights.toLocaleString('en')} weights in memory)`,
    model,
    adapter: null,
    head,
    read({ chat, answer, ...ids }) {
      if (chat !== null) return reader.read(chat, answer);
      if (!canReadIds) throw rolloutsErrors.rewardModelText({ path });
      return ofIds(ids);
    },
    dispose: () => {
      head.dispose();
      model.dispose();
    },
  };
}

/** No second base in memory: its weights are the policy's, with another adapter, and so are the tokens. */
async function adapterOnPolicy({ run, policy }: RewardContext, path: string, folder: string): Promise<ScoringModel> {
  const { model } = frozenBase(policy, path);
  if (!(await run.container.resolve(DataServiceToken).sharesVocabulary(run, folder))) {
    throw rolloutsErrors.rewardModelVocabulary({ path });
  }
  const kinds = run.container.resolveAll(AdapterToken);
  const adapter = await (await adapterKindOf(kinds, folder, 'rewards.path')).load(model, folder, 'rewards.path');
  const saved = adapter.heads ?? null;
  checkHead(path, saved);
  const head = AttachedHead.load(saved.heads[0]!, model.hiddenSize, saved);
  return {
    description: `the adapter ${path} with its head, on the policy's own base: no second base in memory`,
    model,
    adapter,
    head,
    read: ofIds,
    dispose: () => {
      head.dispose();
      adapter.dispose();
    },
  };
}

/** The tokens that the policy wrote, as they are. */
function ofIds({ promptIds, ids }: Pick<Sample, 'promptIds' | 'ids'>): Tokens {
  const counted = new Uint8Array(ids.length).fill(1);
  return { prompt: promptIds, responses: [{ ids, counted, role: 'response' }] };
}

/** @throws LLMF_ROLLOUTS_REWARD_MODEL_HEAD unless the first head gives one number at the end of an answer */
function checkHead(path: string, saved: SavedHeads | null): asserts saved is SavedHeads {
  const head = saved?.heads[0];
  const isScore = head?.replacesLanguageModel === true || head?.at === 'last';
  if (isScore && head.outputs === 1) return;
  const got = head === undefined ? 'no head' : `a head ${head.name} of ${head.outputs} outputs`;
  throw rolloutsErrors.rewardModelHead({ path, got });
}

/** @throws LLMF_ROLLOUTS_REWARD_MODEL_BASE where there is none, or where its weights are trained and would not stay */
function frozenBase(policy: Policy | null, path: string): Policy {
  const isTrained = [...(policy?.model.parameters.values() ?? [])].some(({ trainable }) => trainable);
  if (policy !== null && !isTrained) return policy;
  throw rolloutsErrors.rewardModelBase({ path, got: policy === null ? 'no policy' : 'a policy whose base is trained' });
}
