// A customer who rolls API keys while they are in use, with an overlap and without, takes some rolls back, and has some credentials found in public: then the key
// is frozen until it is rolled, or let go on. Whatever dies meanwhile, the credential that was shown last is the one that counts.
import { setTimeout as wait } from 'node:timers/promises';
import type { Load } from '../load.ts';
import type { Management } from '../management.ts';
import type { Canaries } from './canaries.ts';
import type { RolledKey } from './key-tenants.ts';

const BETWEEN_MS = 1_500;
const TRIES = 40;
/** The kernel spreads connections over gateways by chance: one of two is missed by all of them once in 30,000 times. */
const LOOKS = 16;

interface ShownKey {
  readonly credential?: string | null;
  readonly lastFour: string;
  readonly rotation: { readonly lastFour: string } | null;
}

export interface RollerParts {
  readonly api: Management;
  readonly gateway: string;
  readonly load: Load;
  readonly canaries: Canaries;
  readonly keys: readonly RolledKey[];
  readonly dice: () => number;
}

export class ApiKeyRoller {
  readonly #parts: RollerParts;
  /** Of no use any more. */
  readonly #outOfUse = new Set<string>();
  rolls = 0;
  leaks = 0;

  constructor(parts: RollerParts) {
    this.#parts = parts;
  }

  async rollOn(over: AbortSignal): Promise<void> {
    for (let nth = 0; !over.aborted; nth += 1) {
      const apiKey = this.#parts.keys[nth % this.#parts.keys.length];
      if (apiKey !== undefined) await this.#change(apiKey, nth);
      await wait(BETWEEN_MS * (0.5 + this.#parts.dice()), undefined, { signal: over }).catch(() => undefined);
    }
  }

  /** Only what was shown last works from then on. */
  async endOverlaps(): Promise<void> {
    for (const apiKey of this.#parts.keys) {
      await this.#told(apiKey, 'rotation/end', { keep: 'new' });
      await this.#told(apiKey, 'unfreeze', { reason: 'the campaign is over' });
    }
  }

  /** What of them works that must not, or does not that must, by asking for the list of models, which is nobody's bill. */
  async findings(): Promise<string[]> {
    const findings: string[] = [];
    for (const { credential, apiKeyId } of this.#parts.keys) {
      const status = await this.#statusesOf(credential);
      if (status !== '200') findings.push(`the newest credential of API key ${apiKeyId} is answered ${status}`);
    }
    for (const credential of this.#outOfUse) {
      const status = await this.#statusesOf(credential);
      if (status !== '401')
        findings.push(`a credential ...${credential.slice(-4)} that was replaced is answered ${status}`);
    }
    return findings;
  }

  async #change(apiKey: RolledKey, nth: number): Promise<void> {
    const chance = this.#parts.dice();
    if (nth % 5 === 0) return this.#leak(apiKey, chance < 0.3);
    await this.#roll(apiKey, chance < 0.5 ? 0 : 24);
    if (chance > 0.85) await this.#takeBack(apiKey);
  }

  async #leak(apiKey: RolledKey, isHarmless: boolean): Promise<void> {
    await this.#parts.api.ask('POST', '/leak-reports', {
      credential: apiKey.credential,
      url: 'https://paste.example/1',
    });
    this.leaks += 1;
    if (isHarmless) await this.#told(apiKey, 'unfreeze', { reason: 'it was our own test' });
    else await this.#roll(apiKey, 0);
  }

  /** Until one was shown: an answer that died on its way shows it to nobody, and then there is another roll. */
  async #roll(apiKey: RolledKey, overlapHours: number): Promise<void> {
    for (let tries = 1; tries <= TRIES; tries += 1) {
      await this.#told(apiKey, 'rotation/end', { keep: 'new' });
      const shown = await this.#told(apiKey, 'roll', { overlapHours });
      if (shown === null) continue;
      this.#outOfUse.add(apiKey.credential);
      if (typeof shown.credential !== 'string') continue;
      this.#takes(apiKey, shown.credential);
      this.rolls += 1;
      return;
    }
    throw new Error(`API key ${apiKey.apiKeyId} could not be rolled`);
  }

  /** Only where the credential before still works, and is known: the answer that showed it may have died on its way. */
  async #takeBack(apiKey: RolledKey): Promise<void> {
    const [before, replaced] = [[...this.#outOfUse].at(-1) ?? '', apiKey.credential];
    if ((await this.#shown(apiKey)).rotation?.lastFour !== before.slice(-4)) return;
    await this.#told(apiKey, 'rotation/end', { keep: 'old' });
    // Also where the answer died, and the same was refused when it was asked again.
    if ((await this.#shown(apiKey)).lastFour !== before.slice(-4)) return;
    this.#outOfUse.delete(before);
    this.#outOfUse.add(replaced);
    this.#takes(apiKey, before);
  }

  #takes(apiKey: RolledKey, credential: string): void {
    const { canaries, load } = this.#parts;
    canaries.add('API key', credential);
    apiKey.credential = credential;
    load.replaceCredential({ keyIndex: apiKey.keyIndex, credential });
  }

  /** Null: it was refused as it stands. */
  async #told({ apiKeyId }: RolledKey, what: string, body: object): Promise<ShownKey | null> {
    const path = `/api-keys/${apiKeyId}`;
    const { etag } = await this.#parts.api.ask('GET', path);
    const headers = { 'if-match': etag ?? '' };
    const { status, body: told } = await this.#parts.api.ask<ShownKey>('POST', `${path}/${what}`, body, headers);
    if (status < 300) return told;
    if (status === 409 || status === 412 || status === 400) return null;
    throw new Error(`${what} of API key ${apiKeyId}: ${status} ${JSON.stringify(told)}`);
  }

  async #shown({ apiKeyId }: RolledKey): Promise<ShownKey> {
    return (await this.#parts.api.ask<ShownKey>('GET', `/api-keys/${apiKeyId}`)).body;
  }

  /** By connections of their own, so that every gateway is asked. */
  async #statusesOf(credential: string): Promise<string> {
    const headers = { authorization: `Bearer ${credential}`, connection: 'close' };
    const statuses = new Set<number>();
    for (let nth = 0; nth < LOOKS; nth += 1) {
      const answer = await fetch(`${this.#parts.gateway}/v1/models`, { headers });
      await answer.arrayBuffer();
      statuses.add(answer.status);
    }
    return [...statuses].join(' and ');
  }
}
