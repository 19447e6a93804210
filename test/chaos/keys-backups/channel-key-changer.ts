// An operator who has keys of channels changed, one place after another: to the end, in an emergency, or taken back half-way. He is in a hurry: stages end when he
// says so, and what customers have not asked by then we call ourselves. Keys that no API has made he withdraws on the provider's own page, when he is told to.
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Management } from '../management.ts';
import type { Canaries } from './canaries.ts';

const LOOK_EVERY_MS = 400;
/** Of what the clock of billing and ours differ by, and an answer takes. */
const ENDS_IN_MS = 1_500;
const PATIENCE_MS = 200_000;

type Fate = 'through' | 'emergency' | 'taken_back';

interface Place {
  readonly channelId: string;
  readonly slotId: string;
}

interface ShownRotation {
  readonly id: string;
  readonly stage: string;
  readonly percent: number | null;
  readonly hasEnded: boolean;
  readonly results: readonly object[];
}

interface ShownSlot {
  readonly id: string;
  readonly lastFour: string | null;
  readonly rotationId: string | null;
  readonly rotationEndedAt: string | null;
}

export interface ChangerParts {
  readonly api: Management;
  readonly demoUrl: string;
  readonly canaries: Canaries;
  readonly dice: () => number;
}

export class ChannelKeyChanger {
  readonly adminKey = `demo-admin-${randomBytes(16).toString('hex')}`;
  readonly #parts: ChangerParts;
  /** By their last characters: keys that no API has made. */
  readonly #entered = new Map<string, string>();
  /** By place, where such a key is still the old one. */
  readonly #enteredIn = new Map<string, string>();
  /** By channel: of each one at a time. */
  readonly #places: Place[][] = [];
  readonly ended = new Map<string, number>();

  constructor(parts: ChangerParts) {
    this.#parts = parts;
    parts.canaries.add('admin key', this.adminKey);
  }

  /** For a channel that is made. */
  enterKey(): string {
    const secret = `demo-${randomBytes(20).toString('hex')}`;
    this.#entered.set(secret.slice(-4), secret);
    this.#parts.canaries.add('channel key', secret);
    return secret;
  }

  async prepare(): Promise<void> {
    const { api } = this.#parts;
    const { body: channels } = await api.ask<{ data: readonly { id: string }[] }>('GET', '/channels');
    for (const { id: channelId } of channels.data) {
      await api.post(`/channels/${channelId}/admin-key`, { adminKey: this.adminKey });
      const { slots } = await this.#inventory(channelId);
      this.#places.push(slots.map(({ id }) => ({ channelId, slotId: id })));
      for (const { id, lastFour } of slots) this.#enteredIn.set(id, this.#entered.get(lastFour ?? '') ?? '');
    }
  }

  /** All channels at once, in each one place after the other. What has begun is brought to its end. */
  async changeOn(over: AbortSignal): Promise<void> {
    await Promise.all(this.#places.map((places) => this.#changeIn(places, over)));
  }

  async #changeIn(places: readonly Place[], over: AbortSignal): Promise<void> {
    for (let nth = 0; !over.aborted; nth += 1) {
      const place = places[nth % places.length];
      if (place !== undefined) await this.#change(place);
    }
  }

  async #change(place: Place): Promise<void> {
    const fate = this.#fate();
    const path = `/channels/${place.channelId}/key-slots/${place.slotId}/rotations`;
    const body = { reason: 'the campaign wants it', emergency: fate === 'emergency' };
    const { status, body: begun } = await this.#parts.api.ask<ShownRotation>('POST', path, body);
    // Refused: one goes on whose beginning nobody was told of.
    const open = status < 300 ? { id: begun.id, place } : await this.#openIn(place.channelId);
    if (open !== null) await this.#bringToEnd(open.place, open.id, fate);
    else await wait(LOOK_EVERY_MS);
  }

  #fate(): Fate {
    const chance = this.#parts.dice();
    if (chance < 0.25) return 'taken_back';
    return chance < 0.5 ? 'emergency' : 'through';
  }

  async #bringToEnd(place: Place, id: string, fate: Fate): Promise<void> {
    const giveUpAtMs = performance.now() + PATIENCE_MS;
    for (let saidOf = ''; ; await wait(LOOK_EVERY_MS)) {
      const { body: shown } = await this.#parts.api.ask<ShownRotation>('GET', `/key-rotations/${id}`);
      if (shown.hasEnded) return this.#conclude(place, shown.stage);
      if (performance.now() > giveUpAtMs) return this.#count('still open');
      // A stage that holds begins anew.
      const standing = `${shown.stage} ${shown.percent} ${shown.results.length}`;
      if (standing !== saidOf && (await this.#decide(id, shown, fate))) saidOf = standing;
      if (shown.stage === 'verifying') await this.#withdraw(place);
    }
  }

  /** True: it was taken. */
  async #decide(id: string, { stage, percent }: ShownRotation, fate: Fate): Promise<boolean> {
    const because = { reason: 'the campaign is in a hurry' };
    if (stage === 'canary' && fate === 'taken_back' && percent === 25) return this.#said(id, 'roll-back', because);
    if (stage === 'grace') return this.#said(id, 'finish', because);
    if (stage !== 'canary') return true;
    const until = new Date(Date.now() + ENDS_IN_MS).toISOString();
    return this.#said(id, 'extend', { ...because, until });
  }

  async #said(id: string, what: string, body: object): Promise<boolean> {
    const { status } = await this.#parts.api.ask('POST', `/key-rotations/${id}/${what}`, body);
    return status < 300;
  }

  async #openIn(channelId: string): Promise<{ readonly id: string; readonly place: Place } | null> {
    const { slots } = await this.#inventory(channelId);
    const open = slots.find(({ rotationId, rotationEndedAt }) => rotationId !== null && rotationEndedAt === null);
    return open === undefined ? null : { id: open.rotationId ?? '', place: { channelId, slotId: open.id } };
  }

  async #inventory(channelId: string): Promise<{ readonly slots: readonly ShownSlot[] }> {
    return (await this.#parts.api.ask<{ slots: readonly ShownSlot[] }>('GET', `/channels/${channelId}/key-slots`)).body;
  }

  /** What the API has made it takes back as well. */
  async #withdraw({ slotId }: Place): Promise<void> {
    const secret = this.#enteredIn.get(slotId);
    if (secret === undefined) return;
    const body = JSON.stringify({ key: secret });
    await fetch(`${this.#parts.demoUrl}/_demo/withdrawals`, { method: 'POST', body }).catch(() => undefined);
  }

  #conclude({ slotId }: Place, stage: string): void {
    if (stage === 'completed') this.#enteredIn.delete(slotId);
    this.#count(stage);
  }

  #count(stage: string): void {
    this.ended.set(stage, (this.ended.get(stage) ?? 0) + 1);
  }
}
