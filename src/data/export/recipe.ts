/** What ESPnet's recipe for Bagpiper is started with: a configuration for each stage, a registry, a launch script. */
import { stringify } from 'yaml';

/** Backends of attention that upstream's networks accept; the first needs a Hopper GPU. */
export const ATTENTIONS = ['flash_attention_3', 'flash_attention_2', 'sdpa'] as const;
export type Attention = (typeof ATTENTIONS)[number];

/** Places of a packed batch on a GPU: longer samples are dropped by upstream without a word. */
export const BATCH_SIZE = 8192;

/** What differs between stages (docs/training.md, "Stages"). */
interface RecipeStage {
  steps: number;
  rate: number;
  warmup: number;
  floor: number;
  accumulation: number;
  saveEvery: number;
  audioCfg: number;
  frozen: string[];
}

export const RECIPE_STAGES: Readonly<Record<string, RecipeStage>> = {
  warmup: stage(10_000, 5e-4, 100, 1, 4, 1000, 0.05, ['model.layers']),
  pretrain: stage(600_000, 1e-4, 5000, 0.3, 4, 5000, 0.05),
  sft: stage(50_000, 1e-5, 1000, 0.1, 1, 2500, 0.05),
  tts_sft: stage(50_000, 1e-4, 2000, 0, 1, 2500, 0.1),
};

function stage(
  steps: number,
  rate: number,
  warmup: number,
  floor: number,
  accumulation: number,
  saveEvery: number,
  audioCfg: number,
  frozen: string[] = [],
): RecipeStage {
  return { steps, rate, warmup, floor, accumulation, saveEvery, audioCfg, frozen };
}

const NUMBERS = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 3e-7 };

/** A stage's configuration. The order of `multimodal_io` decides the vocabulary's, so keys are never sorted. */
export function stageConfig(name: string, attention: Attention): string {
  const s = RECIPE_STAGES[name];
  const network = { attn_implementation: attention, dtype: 'bfloat16' };
  const config = {
    job_type: 'speechlm',
    seed: 42,
    multimodal_io: {
      text: { tokenizer_name: 'Qwen/Qwen3-8B-Base' },
      discrete_audio: {
        codec_choice: 'Xcodec',
        codec_hf_model_tag: 'hf-audio/xcodec-hubert-general',
        ssl_choice: null,
        ssl_hf_model_tag: null,
        delay_interleave: true,
        stream_weights: new Array<number>(8).fill(0.125),
      },
      continuous_audio: {
        encoder_choice: 'huggingface',
        encoder_hf_model_tag: 'Qwen/Qwen3-Omni-30B-A3B-Instruct',
        ...network,
      },
    },
    model: { model_choice: 'parallel', model_hf_tag: 'Qwen/Qwen3-8B-Base', model_conf: network },
    preprocessor: {
      audio_input: 'continuous_audio',
      audio_output: 'discrete_audio',
      loss_region: 'assistant',
      audio_cfg: s.audioCfg,
    },
    data_loading: { batchfy_method: 'pack', batch_size: BATCH_SIZE, num_workers: 6 },
    trainer: {
      type: 'titan',
      freeze_param: ['multimodal_io_dict.discrete_audio', 'multimodal_io_dict.continuous_audio', ...s.frozen],
      max_step: s.steps,
      save_interval: s.saveEvery,
      log_interval: 1,
      gradient_accumulation_steps: s.accumulation,
      optimizer: { name: 'AdamW', lr: s.rate, ...NUMBERS },
      lr_scheduler: { warmup_steps: s.warmup, decay_end_step: s.steps, min_lr_ratio: s.floor },
      titan_config: {
        parallel_strategy: 'qwen3',
        mixed_precision_param: 'bfloat16',
        mixed_precision_reduce: 'float32',
        optimizer_storage_dtype: 'float32',
        gradient_clipping: 1.0,
        activation_checkpoint: 1.0,
        compile: false,
        reshard_after_forward: true,
        dp_shard: -1,
        dp_replicate: 1,
        pp_degree: 1,
      },
    },
  };
  return stringify(config, { aliasDuplicateObjects: false, lineWidth: 0 }).replace(/: (\d)e-(\d)$/gm, ': $1.0e-$2');
}

/** `name: {path: manifest}`, as ESPNET_DATASET_REGISTRY wants it. */
export function registry(manifests: ReadonlyMap<string, string>): string {
  return stringify(Object.fromEntries([...manifests].map(([name, path]) => [name, { path }])));
}

/** Specifiers `task:name:manifest` of a stage. */
export interface StageData {
  train: string[];
  valid: string[];
}

/** Which stage's checkpoint each stage starts from, and the recipe's folder that it runs in. */
const BEFORE: Record<string, string> = { pretrain: 'warmup', sft: 'pretrain', tts_sft: 'pretrain' };

/** A script that starts a stage of the recipe on the exported data. @param folder of the export, absolute */
export function launchScript(folder: string, stages: ReadonlyMap<string, StageData>): string {
  const cases = [...stages].map(([name, { train, valid }]) => {
    const recipe = name === 'tts_sft' ? 'bagpiper_tts' : 'bagpiper';
    return `  ${name})
    recipe=${recipe} before=${BEFORE[name] ?? ''}
    train=${quoted(train.join(' '))}
    valid=${quoted(valid.join(' '))} ;;`;
  });
  const names = [...stages.keys()];
  return `#!/usr/bin/env bash
# Starts a stage of ESPnet's recipe for Bagpiper on this export: ${names.join(', ')}.
#   ESPNET=/path/to/espnet ./launch.sh ${names.at(-1)} --ngpu 8 [options of run.sh]
# RESUME: weights to start from (a .pt file or a checkpoint folder); default: the last checkpoint of the stage before. It counts
# only while the stage has no checkpoint of its own: a stage that was stopped goes on when started again.
# EXP: where checkpoints and logs go; default: exp beside this script.
set -euo pipefail
here=${quoted(folder)}
stage=\${1:-}
shift || true
case "$stage" in
${cases.join('\n')}
  *) echo "usage: ESPNET=/path/to/espnet $0 ${names.join('|')} [options of run.sh]" >&2; exit 2 ;;
esac
run="\${ESPNET:?set ESPNET to a checkout of espnet/espnet}/egs2/$recipe/speechlm1"
[ -f "$run/run.sh" ] || { echo "$run/run.sh does not exist: ESPNET must be a checkout with the recipe $recipe" >&2; exit 2; }
exp=\${EXP:-$here/exp}
latest() { { ls -d "$1"/checkpoints/step_* 2>/dev/null || true; } | sort -V | tail -n 1; }
resume=
if [ -z "$(latest "$exp/$stage")" ]; then
  resume=\${RESUME:-}
  if [ -z "$resume" ] && [ -n "$before" ]; then
    resume=$(latest "$exp/$before")
    [ -n "$resume" ] || { echo "no checkpoint of $before under $exp: run it first, or set RESUME" >&2; exit 2; }
  fi
fi
cd "$run"
exec ./run.sh --train-config "$here/conf/$stage.yaml" --output-dir "$exp/$stage" --stats-dir "$here/stats" \\
  --train-unregistered-specifier "$train" --valid-unregistered-specifier "$valid" \\
  \${resume:+--resume-path "$resume"} "$@"
`;
}

/** For a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
