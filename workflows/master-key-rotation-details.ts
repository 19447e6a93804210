// What a person reads in Temporal's UI about a rotation of the master key: who does not have it yet, how far it is, and what can be done now, as markdown.
import {
  type MasterKeyRotationCommandName,
  type MasterKeyRotationView,
  masterKeyRotationWorkflowId,
  ROTATE_MASTER_KEY,
} from './contracts/master-key-rotation.ts';
import { WHAT_IT_IS } from './contracts/process-starts.ts';
import { type Fact, factList } from './facts.ts';
import { updateCommand } from './operator-commands.ts';

export function stageOf({ stage, isPaused }: MasterKeyRotationView): string {
  return isPaused ? 'paused' : stage;
}

export function describe(view: MasterKeyRotationView): string {
  const { attention } = view;
  const headline = attention === null ? HEADLINES[view.stage] : `NEEDS ATTENTION: ${attention}`;
  return [
    `### ${headline} (master key ${view.version})`,
    WHAT_IT_IS[ROTATE_MASTER_KEY],
    factList(facts(view)),
    ...whatToDo(view),
  ].join('\n\n');
}

const HEADLINES: Readonly<Record<MasterKeyRotationView['stage'], string>> = {
  acknowledging: 'Waits for processes to have it',
  resealing: 'Renews what is sealed under older ones',
  attention: 'Something does not open',
  completed: 'Nothing is sealed under an older one',
  cancelled: 'Cancelled before it sealed anything',
};

function facts(view: MasterKeyRotationView): Fact[] {
  const { total, resealed, left, behind, troubles } = view;
  return [
    ['stage', stageOf(view)],
    ...behind.map((who): Fact => ['waits for', who]),
    ...(total === null ? [] : ([['renewed', `${resealed} of ${total}`]] satisfies Fact[])),
    ['under other master keys', String(left)],
    ...troubles.map((place): Fact => ['does not open', place]),
  ];
}

const COMMANDS: Readonly<Record<MasterKeyRotationCommandName, string>> = {
  pause: 'Let it stand still',
  resume: 'Let it go on',
  cancel: 'Never use this master key',
  retryNow: 'It is mended',
  dismiss: 'What does not open stays as it is',
};

function whatToDo(view: MasterKeyRotationView): string[] {
  const names = commandsOf(view);
  if (names.length === 0) return [];
  const workflowId = masterKeyRotationWorkflowId(view.version);
  const commands = names.map((name) => `- ${COMMANDS[name]}: ${updateCommand(workflowId, name)}`);
  return [['**What can be done**', '', ...commands, `- Read on: ${view.runbook}`].join('\n')];
}

function commandsOf({ stage, isPaused }: MasterKeyRotationView): MasterKeyRotationCommandName[] {
  const pausing: MasterKeyRotationCommandName = isPaused ? 'resume' : 'pause';
  if (stage === 'acknowledging') return [pausing, 'cancel'];
  if (stage === 'resealing') return [pausing];
  return stage === 'attention' ? ['retryNow', 'dismiss'] : [];
}
