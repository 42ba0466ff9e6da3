// SPDX-License-Identifier: Apache-2.0
// What the five articles claim and show that llmf was asked for: how to see it here, what holds it, what came out.
// `figure` is what the command printed when it was last run for this table; null: nothing to measure.
// `missing` in place of command and test: why it is not here.

const example = (name) => `node examples/articles/run.mjs ${name}`;

export const articles = [
  {
    title: 'LLaMA-Factory trains Qwen2-VL by DPO, ORPO and SimPO on RLHF-V',
    rows: [
      {
        claim: 'One YAML and one command train a vision-language model on preferences',
        command: 'llmf train --from llamafactory qwen2vl_lora_dpo.yaml',
        test: 'packages/cli/src/import/import.test.ts',
        figure:
          '29 options of the published YAML: 0 unmentioned, 0 refused; the loss of an imported config equals the hand-written one bit for bit',
      },
      {
        claim: 'DPO, ORPO and SimPO on pairs in RLHF-V’s form, from its YAML',
        command: example('llamafactory'),
        test: 'test/slow/articles.slow.ts',
        figure:
          'held-out pairs, preferred with the right picture: 0.87 before; 0.97 after DPO, 0.96 ORPO, 0.95 SimPO; with another row’s picture 0.54 to 0.58',
      },
      {
        claim: 'ORPO and SimPO need no reference model',
        command: 'llmf train --plugin loss-orpo',
        test: 'packages/loss-orpo/src/orpo.test.ts',
        figure: null,
      },
      {
        claim: 'A reference model and a KL penalty hold the policy',
        command: 'llmf train --plugin loss-dpo reference=copy',
        test: 'packages/loss-dpo/src/dpo.test.ts',
        figure: 'first loss ln 2, checked before step 1 of every run',
      },
      {
        claim: 'With LoRA the adapter switched off is the reference',
        command: 'llmf train --plugin loss-dpo adapter=lora',
        test: 'packages/models/test/adapter.test.ts',
        figure: null,
      },
      {
        claim: 'The hidden states of a Qwen2-VL equal the reference implementation’s',
        command: 'llmf train --plugin vision',
        test: 'packages/vision/test/tiny-models.test.ts',
        figure: null,
      },
      {
        claim: 'Supervised tuning, reward model, PPO: the three steps of RLHF',
        command: 'llmf run pipeline.yaml',
        test: 'test/pipeline.test.ts',
        figure: null,
      },
      {
        claim: 'Logs, checkpoints, evaluation while it trains',
        command: 'llmf train --plugin tracker-tensorboard',
        test: 'test/trackers.test.ts',
        figure: null,
      },
    ],
  },
  {
    title: 'Llama 2 by QLoRA and DPO on ranked answers; PEFT’s methods',
    rows: [
      {
        claim: 'Supervised in 4 bits, then DPO in 4 bits from that adapter, policy and reference on one base',
        command: 'node examples/articles/run.mjs llama2',
        test: 'test/slow/articles.slow.ts',
        figure:
          'a small model of Llama 2’s shape, 600 questions of three voted answers, 1,800 pairs: held-out loss 0.515 → 0.490, then DPO from ln 2; held-out pairs preferred 0.79, margin 0.53',
      },
      {
        claim: 'Rows of prompt, chosen and rejected',
        command: 'llmf train --plugin loss-dpo',
        test: 'packages/data/src/formats/formats.test.ts',
        figure: null,
      },
      {
        claim: 'Ranked answers become pairs',
        command: 'llmf train --plugin loss-dpo data.train=[{path: ranked.jsonl, format: ranked}]',
        test: 'packages/data/src/formats/formats.test.ts',
        figure: 'each better answer with each worse one, at most ten of a question',
      },
      { claim: 'LoRA', command: 'llmf train adapter=lora', test: 'packages/models/test/adapter.test.ts', figure: null },
      {
        claim: 'Prefix tuning',
        command: 'llmf train adapter=prefix-tuning',
        test: 'packages/adapters/test/peft.test.ts',
        figure: null,
      },
      {
        claim: 'P-tuning',
        command: 'llmf train adapter=p-tuning',
        test: 'packages/adapters/test/peft.test.ts',
        figure: null,
      },
      {
        claim: 'Prompt tuning',
        command: 'llmf train adapter=prompt-tuning',
        test: 'packages/adapters/test/peft.test.ts',
        figure: null,
      },
      {
        claim: 'An adapter is megabytes, the base gigabytes; one base serves many tasks',
        command: 'llmf generate --model ./model --adapter runs/dpo',
        test: 'packages/models/test/adapter.test.ts',
        figure: null,
      },
      {
        claim: '4-bit weights with double quantization (nf4)',
        command: 'llmf train quantization=nf4',
        test: 'packages/quantization/src/formats.test.ts',
        figure: null,
      },
      {
        claim: 'Falcon as base',
        command: 'llmf train model.path=./falcon',
        test: 'packages/models/test/architectures.test.ts',
        figure: null,
      },
      {
        claim: 'Training as a remote job',
        missing: 'a job is `llmf train` on the machine that you rent; nothing here starts machines',
      },
      {
        claim: 'AutoGPTQ',
        command: 'llmf train model.path=./model-gptq adapter=lora',
        test: 'packages/models/test/quantized-folders.test.ts',
        figure: null,
      },
      {
        claim: 'Whisper, ViT, LayoutLM, Stable Diffusion, XLS-R',
        missing: 'models of language and of pictures with language are trained here',
      },
    ],
  },
  {
    title: 'Kinds of fine-tuning, and which is right for whom',
    rows: [
      {
        claim: 'Supervised fine-tuning on a labelled task',
        command: 'llmf train stage=sft',
        test: 'packages/loss-sft/src/sft.test.ts',
        figure: null,
      },
      {
        claim: 'Few-shot and instruction tuning: mixtures of data sets',
        command: 'llmf train stage=sft data.mixture=interleaveUnder',
        test: 'packages/data/src/sampler.test.ts',
        figure: null,
      },
      {
        claim: 'Transfer learning: the first layers are frozen',
        command: example('frozen'),
        test: 'test/slow/articles.slow.ts',
        figure: 'held-out accuracy 0.995 (LoRA 1.0, every weight 0.975); 14 tensors the same bytes, 12 trained',
      },
      {
        claim: 'Task-specific: a classifier',
        command: 'llmf train stage=classification',
        test: 'packages/stages/test/transformers.test.ts',
        figure: null,
      },
      {
        claim: 'Masked language modelling',
        command: 'llmf train stage=masked',
        test: 'packages/stages/src/masked/masking.test.ts',
        figure: null,
      },
      {
        claim: 'Reward modelling',
        command: 'llmf train --plugin algo-reward',
        test: 'test/reward-models.test.ts',
        figure: null,
      },
      {
        claim: 'Comparative ranking of more than two answers',
        command: 'llmf train --plugin algo-reward loss=plackett-luce',
        test: 'packages/algo-reward/src/reward-loss.test.ts',
        figure: null,
      },
      {
        claim: 'PPO limits how far the policy moves',
        command: 'llmf train --plugin algo-ppo',
        test: 'packages/algo-ppo/src/ppo-loss.test.ts',
        figure: null,
      },
      {
        claim: 'Which kind for which data, model and machine',
        command: null,
        test: 'test/docs.test.ts',
        figure: '[which-method.md](which-method.md)',
      },
    ],
  },
  {
    title: 'trlX: PPO and ILQL, positive reviews, sweeps, Weights & Biases',
    rows: [
      {
        claim: 'Its configs for PPO, ILQL and supervised tuning',
        command: 'llmf train --from trlx ppo.yml',
        test: 'packages/cli/src/import/trlx.test.ts',
        figure: 'default_ppo, default_ilql, default_sft and six examples: 0 options unmentioned',
      },
      {
        claim: 'Positive reviews: PPO and ILQL raise the mean reward',
        command: example('trlx'),
        test: 'test/slow/articles.slow.ts',
        figure:
          'PPO: 0.48 → 0.91 at a KL of 2.0 nats an answer (40 rounds); ILQL: 0.39 unsteered, 0.91 with `--guide 4`',
      },
      {
        claim: 'Hydra: a frozen trunk shared with the reference',
        command: 'llmf train --plugin loss-dpo reference=hydra adapter=freeze',
        test: 'test/hydra.test.ts',
        figure: 'equal to a full copy to the bit',
      },
      {
        claim: 'Adam in 8 bits and frozen layers',
        command: 'llmf train train.optimizer=adamw8bit adapter=freeze',
        test: 'test/eight-bit.test.ts',
        figure: null,
      },
      {
        claim: 'Sweeps over its distributions, several trials at once',
        command: 'llmf sweep sweep.yaml',
        test: 'test/sweep.test.ts',
        figure:
          '12 trials, killed 5 times, end as the undisturbed: TPE 2 of 2, ASHA 2 of 2 sweeps; Optuna 5.0 loads the journal with the same best. 50 seeds of 40 trials on a known function: TPE 0.026, random 0.163 in the mean (Optuna 0.019 and 0.197)',
      },
      {
        claim: 'A sweep over PPO from a file of its form',
        command: 'llmf sweep ppo_sweep.yml',
        test: 'test/trlx-sweep.test.ts',
        figure: 'each trial is PPO with the values drawn for its keys, its value the mean reward of held-out openings',
      },
      {
        claim: 'Weights & Biases',
        command: 'llmf train --plugin tracker-wandb',
        test: 'packages/tracker-wandb/src/run-folder.test.ts',
        figure:
          '225 of 225 values by wandb 0.31’s own `wandb sync`, over a SIGKILL and a resume; of a run that was killed and left so, or cut by 1, 37 or 701 bytes, every whole record (TensorBoard’s reader too)',
      },
      {
        claim: 'GPT-J and GPT-NeoX as policies',
        command: 'llmf train --plugin algo-ppo model.path=./gpt-j',
        test: 'packages/models/test/architectures.test.ts',
        figure: null,
      },
      {
        claim: 'T5 as policy',
        command: 'llmf train --plugin algo-ppo model.path=./t5',
        test: 'test/encoder-decoder.test.ts',
        figure: 'a tiny T5, 16 answers a round, a rule that counts words: mean reward 0.32 → 0.56 in 30 rounds',
      },
      {
        claim: 'Reddit summaries, on posts and summaries that you bring: from random weights to PPO',
        command: 'node benchmarks/online/summaries.mjs --data posts.csv --output summaries',
        test: 'test/pipeline.test.ts',
        figure:
          '330,000 weights, 100 posts in five parts, each held out once: PPO raises the reward model’s score of them from 0.16 to 0.45 at 2.3 to 3.6 nats, and ROUGE-L from 0.082 to 0.095, in 5 of 5; that model prefers as the authors’ words would in 0.553 of 6,193 pairs that it had not seen, a judge of lengths alone in 0.555',
      },
      { claim: 'NeMo: pipeline and tensor parallelism', missing: 'one process' },
    ],
  },
  {
    title: 'MedicalGPT’s DPO line',
    rows: [
      {
        claim: 'Its flags over its reward data: 100 steps, 10 evaluations, 2 checkpoints, event files',
        command: example('medicalgpt'),
        test: 'test/slow/articles.slow.ts',
        figure: '10 evaluations, checkpoints step-50 and step-100, one event file; held-out margin 1.83 at the end',
      },
      {
        claim: 'BLOOM',
        command: 'llmf train model.path=./bloom',
        test: 'packages/models/test/architectures.test.ts',
        figure: null,
      },
      {
        claim: 'merge_peft_adapter.py',
        command: 'llmf merge --model merged-pt --adapter outputs-sft-v1 --output merged-sft',
        test: 'packages/cli/test/commands.test.ts',
        figure: 'the merged model is compared by log-probs before the command ends',
      },
      {
        claim: '`fp16`',
        command: 'llmf train --from medicalgpt -- --fp16 True',
        test: 'packages/cli/src/import/import.test.ts',
        figure: 'computed in bf16 where the processor has it; told as such',
      },
      {
        claim: '`report_to tensorboard`',
        command: 'llmf train --plugin tracker-tensorboard',
        test: 'packages/tracker-tensorboard/src/events.test.ts',
        figure: null,
      },
      {
        claim: 'Pretraining, supervised tuning, reward model, RL, DPO as steps',
        command: 'llmf run pipeline.yaml',
        test: 'test/pipeline.test.ts',
        figure: null,
      },
    ],
  },
];
