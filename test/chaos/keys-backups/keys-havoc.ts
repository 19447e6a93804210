// What a campaign of keys and backups breaks. A kill waits until its victim is at work, and knows what went on when it fell: only such a kill counts. In each round
// first those fall that a rotation of the master key does not wait for, and then the others (D158).
import { setTimeout as wait } from 'node:timers/promises';
import { insistently } from '../billing/billing-clock.ts';
import { Gateways } from '../gateways.ts';
import type { ServedWorker } from '../kept-parts.ts';
import type { KillEvent, KillLog } from '../kill-log.ts';
import type { Load } from '../load.ts';
import { shuffled } from '../seeded-dice.ts';
import { asAdmin, type KeysProduct } from './keys-product.ts';
import { type OpenWork, openWork } from './open-work.ts';

export const KEY_VICTIMS = ['temporal', 'postgres', 'objects', 'demo', 'worker', 'gateway'] as const;
export type KeyVictim = (typeof KEY_VICTIMS)[number];
/** Who says of itself which master keys it has, and is waited for when it is gone. */
const HOLDERS: readonly KeyVictim[] = ['worker', 'gateway'];

const AT_WORK_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 40;
const POSTGRES_AWAY_MS = 800;
const REQUESTS_HIT = 2;
const STORAGE_IN_USE = /^(backup (dumping|verifying)|drill restoring)$/;

export interface KeyBlow {
  readonly victim: KeyVictim;
  readonly open: readonly OpenWork[];
  readonly isAtWork: boolean;
}

export interface KeyHavocParts {
  readonly product: KeysProduct;
  readonly load: Load;
  readonly killLog: KillLog;
  readonly dice: () => number;
  readonly betweenMs: number;
}

export class KeyHavoc {
  readonly blows: KeyBlow[] = [];
  readonly #parts: KeyHavocParts;
  readonly #gateways: Gateways;

  constructor(parts: KeyHavocParts) {
    this.#parts = parts;
    this.#gateways = new Gateways(parts.product.database.urlFor('readonly'));
  }

  get counted(): readonly KeyBlow[] {
    return this.blows.filter(({ isAtWork }) => isAtWork);
  }

  /** One after another, in an order of the dice's. */
  async strike(victims: readonly KeyVictim[]): Promise<void> {
    const { dice, betweenMs } = this.#parts;
    for (const victim of shuffled(victims, dice)) {
      await this.#strikeAtWork(victim);
      await wait(betweenMs * (0.5 + dice()));
    }
  }

  async #strikeAtWork(victim: KeyVictim): Promise<void> {
    const giveUpAtMs = performance.now() + AT_WORK_WITHIN_MS;
    for (;;) {
      const open = await this.#open();
      const busy = victim === 'worker' ? await this.#busyWorker() : null;
      const isAtWork = open.length > 0 && (await this.#isAtWork(victim, open, busy));
      if (isAtWork || performance.now() > giveUpAtMs) {
        await this.#kill(victim, busy);
        this.blows.push({ victim, open, isAtWork });
        return;
      }
      await wait(LOOK_EVERY_MS);
    }
  }

  async #isAtWork(victim: KeyVictim, open: readonly OpenWork[], busy: ServedWorker | null): Promise<boolean> {
    if (victim === 'worker') return busy !== null;
    if (victim === 'objects') return open.some((what) => STORAGE_IN_USE.test(what));
    if (victim === 'gateway' || victim === 'demo') await this.#parts.load.inFlight(REQUESTS_HIT);
    return true;
  }

  #open(): Promise<OpenWork[]> {
    return insistently(() => asAdmin(this.#parts.product.database, openWork));
  }

  async #kill(victim: KeyVictim, busy: ServedWorker | null): Promise<void> {
    const { product } = this.#parts;
    switch (victim) {
      case 'postgres':
        product.postgres.kill('SIGKILL');
        this.#log(victim, 0);
        await wait(POSTGRES_AWAY_MS);
        return product.postgres.restart();
      case 'gateway': {
        const pids = await this.#gateways.alive();
        const pid = pids[Math.floor(this.#parts.dice() * pids.length)];
        if (pid === undefined) throw new Error('no gateway lives');
        process.kill(pid, 'SIGKILL');
        return this.#log(victim, pid);
      }
      case 'worker': {
        const { process: kept } = busy ?? this.#anyWorker();
        this.#log(victim, kept.pid);
        return kept.kill('SIGKILL');
      }
      default: {
        const kept = product[victim]?.process;
        if (kept === undefined) throw new Error(`there is no ${victim}`);
        this.#log(victim, kept.pid);
        return kept.kill('SIGKILL');
      }
    }
  }

  #log(target: KillEvent['target'], pid: number): void {
    this.#parts.killLog.killed(target, pid);
  }

  #anyWorker(): ServedWorker {
    const [worker] = this.#parts.product.workers;
    if (worker === undefined) throw new Error('there are no workers');
    return worker;
  }

  /** Null: none has an activity in hands. */
  async #busyWorker(): Promise<ServedWorker | null> {
    for (const worker of shuffled(this.#parts.product.workers, this.#parts.dice)) {
      const answer = await fetch(worker.sdkMetrics).catch(() => null);
      const lines = answer === null ? [] : (await answer.text()).split('\n');
      const isBusy = (line: string) =>
        line.includes('slots_used{') && line.includes('worker_type="ActivityWorker"') && !line.endsWith(' 0');
      if (lines.some(isBusy)) return worker;
    }
    return null;
  }
}

/** Of each round: those that a rotation of the master key does not wait for, and the others. */
export function roundsOf(kills: number, rounds: number) {
  const ofVictim = (at: number) => Math.floor(kills / KEY_VICTIMS.length) + Number(at < kills % KEY_VICTIMS.length);
  const inRound = (all: number, round: number) => Math.floor(all / rounds) + Number(round < all % rounds);
  return Array.from({ length: rounds }, (_, round) => {
    const victims = KEY_VICTIMS.flatMap((victim, at) => Array<KeyVictim>(inRound(ofVictim(at), round)).fill(victim));
    return {
      gentle: victims.filter((victim) => !HOLDERS.includes(victim)),
      rough: victims.filter((victim) => HOLDERS.includes(victim)),
    };
  });
}
