// An authenticator app of somebody who signs in.
import { codeAt } from '../../../services/accounts/totp.ts';
import type { ManagementApp } from './management-app.ts';

/** An authenticator app: it says the codes of now, and of steps to come. */
export class Authenticator {
  readonly #seed: Buffer;

  constructor(totpUri: string) {
    const letters = new URL(totpUri).searchParams.get('secret') ?? '';
    const bits = Array.from(letters, (letter) =>
      'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
    ).join('');
    this.#seed = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  }

  code(stepsAhead = 0): string {
    return codeAt(this.#seed, Math.floor(Date.now() / 30_000) + stepsAhead);
  }

  /** None that is good now. */
  wrongCode(): string {
    const good = [-2, -1, 0, 1, 2].map((ahead) => this.code(ahead));
    return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !good.includes(code)) ?? '';
  }
}

/** As if every code that was used were of long ago. */
export async function forgetSteps({ db }: ManagementApp): Promise<void> {
  await db.query('update auth.second_factors set last_step = 0');
}
