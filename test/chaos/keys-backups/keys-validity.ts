// Whether a campaign of keys and backups proves anything: as much of everything as was ordered has happened, each part was killed while it was at work and while each
// kind of process was under way, and the search for secrets sees.
import { Attribution, type Served } from '../attribution.ts';
import { isSound } from '../soundness.ts';
import { atLeast, type Condition } from '../validity.ts';
import type { ApiKeyRoller } from './api-key-roller.ts';
import type { BackupTaker } from './backup-taker.ts';
import type { Searched } from './canary-search.ts';
import type { ChannelKeyChanger } from './channel-key-changer.ts';
import { KEY_VICTIMS, type KeyHavoc } from './keys-havoc.ts';
import type { KeysOrder } from './keys-order.ts';

export interface KeysOutcome extends Served {
  readonly havoc: KeyHavoc;
  readonly roller: ApiKeyRoller;
  readonly changer: ChannelKeyChanger;
  readonly taker: BackupTaker;
  readonly masterKeys: number;
  readonly searched: Searched;
  /** Keys by index that are rolled: of them refusals are part of it. */
  readonly rolled: ReadonlySet<number>;
  /** What died without being asked to. */
  readonly unasked: readonly string[];
}

const PROCESSES = ['backup', 'drill', 'channel key', 'master key'] as const;
/** Of all kills, what each victim has at least: a sixth would be its fair share, and some find it idle. */
const LEAST_SHARE = 8;
const REFUSED = [401, 403];

export function keysConditions(order: KeysOrder, outcome: KeysOutcome): Condition[] {
  const { demands, kills, rounds } = order;
  const { answers, havoc, roller, changer, taker, masterKeys, searched, unasked } = outcome;
  const ofEach = Math.floor(kills / LEAST_SHARE);
  const ended = (stage: string) => changer.ended.get(stage) ?? 0;
  return [
    atLeast('requests', answers.length, demands.requests),
    atLeast('kills at work', havoc.counted.length, kills),
    ...KEY_VICTIMS.map((victim) =>
      atLeast(`kills of ${victim}`, havoc.counted.filter((blow) => blow.victim === victim).length, ofEach),
    ),
    ...PROCESSES.map((process) => {
      const during = havoc.counted.filter(({ open }) => open.some((what) => what.startsWith(process)));
      return atLeast(`kills during a ${process}`, during.length, demands.killsDuringEach, stagesOf(outcome, process));
    }),
    atLeast('channel keys changed', ended('completed'), demands.channelKeys),
    atLeast('channel keys taken back', ended('rolled_back'), demands.takenBack),
    atLeast('API keys rolled', roller.rolls, demands.rolls),
    atLeast('API keys found in public', roller.leaks, demands.leaks),
    atLeast('master keys', masterKeys, 1 + rounds),
    atLeast('backups', taker.completed.backups, demands.backups),
    atLeast('drills', taker.completed.restore_checks, demands.drills),
    soundAmongUnhit(order, outcome),
    { name: 'places in which a secret would be found', figure: placesOf(searched), met: searched.blind.length === 0 },
    { name: 'deaths nobody asked for', figure: unasked.join('; ') || '0', met: unasked.length === 0 },
  ];
}

function soundAmongUnhit({ demands }: KeysOrder, outcome: KeysOutcome): Condition {
  const { answers, events, rolled } = outcome;
  const attribution = new Attribution(outcome);
  const unhit = answers.filter((answer) => !attribution.wasHit(answer));
  const sound = unhit.filter(
    (answer) => isSound(answer, false, events) || (rolled.has(answer.keyIndex) && REFUSED.includes(answer.status)),
  );
  return {
    name: 'sound among the unhit',
    figure: `${((100 * sound.length) / Math.max(unhit.length, 1)).toFixed(1)} % of ${unhit.length}`,
    met: sound.length * 100 >= unhit.length * demands.soundPercent,
  };
}

/** " (backup dumping 3, backup verifying 4)" */
function stagesOf({ havoc }: KeysOutcome, process: string): string {
  const stages = havoc.counted.flatMap(({ open }) => open.filter((what) => what.startsWith(process)));
  const counts = [...Map.groupBy(stages, (stage) => stage)].map(([stage, all]) => `${stage} ${all.length}`);
  return counts.length === 0 ? '' : ` (${counts.join(', ')})`;
}

function placesOf({ places, blind }: Searched): string {
  return blind.length === 0 ? `${places}` : `${places}, and blind in ${blind.join(', ')}`;
}
