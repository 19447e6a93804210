// What was tried and was not right: distinct secrets are counted, for each account, for each network, and for both together, so a program that
// repeats one wrong password locks nobody out, and a list of stolen ones is soon at its end (R-LOG-6). It is written down before it is looked at, so that
// many at once get no more; what was right is taken out again.
import { createHmac } from 'node:crypto';
import { TollgateError } from '../../domain/errors.ts';
import type { Queryable } from '../platform/postgres.ts';
import { networkOf } from './networks.ts';

export interface Attempt {
  readonly purpose: 'sign_in' | 'sign_up' | 'password_reset';
  /** Of whom: as he called himself. */
  readonly subject: string;
  readonly clientAddress: string;
  readonly secret: string;
}

interface Bounds {
  /** Of one subject from one network, in a quarter of an hour. */
  readonly together: number;
  /** From one network, in a quarter of an hour. */
  readonly network: number;
  /** Of one subject from anywhere, in an hour; who asks from where he has been before is not bound by it. */
  readonly subject: number;
}

const BOUNDS: { readonly [P in Attempt['purpose']]: Bounds } = {
  sign_in: { together: 10, network: 50, subject: 100 },
  sign_up: { together: 10, network: 30, subject: 20 },
  password_reset: { together: 10, network: 30, subject: 20 },
};

const QUARTER_MS = 15 * 60_000;

export class Attempts {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** @throws TollgateError too_many_attempts; what is beyond the bounds is not written down */
  async begin(db: Queryable, attempt: Attempt, isAtHome: boolean): Promise<void> {
    const bounds = BOUNDS[attempt.purpose];
    const { rows } = await db.query<{ isWithin: boolean }>(
      `with gone as (
         delete from auth.attempts
          where tried_at < clock_timestamp() - interval '1 day' and (purpose, subject, network, secret) <> ($1, $2, $3, $4)),
       before as (
         select count(*) filter (where subject = $2 and network = $3 and tried_at > clock_timestamp() - interval '15 minutes') as together,
                count(*) filter (where network = $3 and tried_at > clock_timestamp() - interval '15 minutes') as network,
                count(*) filter (where subject = $2) as subject
           from auth.attempts
          where purpose = $1 and (subject = $2 or network = $3) and tried_at > clock_timestamp() - interval '1 hour'),
       this as (
         insert into auth.attempts (purpose, subject, network, secret)
           select $1, $2, $3, $4 from before where together < $5 and network < $6 and (subject < $7 or $8)
         on conflict (purpose, subject, network, secret) do update set tried_at = clock_timestamp() returning true)
       select exists (select from this) as "isWithin"`,
      [...this.#rowOf(attempt), bounds.together, bounds.network, bounds.subject, isAtHome],
    );
    if (rows[0]?.isWithin === true) return;
    throw new TollgateError('too_many_attempts', {
      message: 'Too many different ones were tried. Wait a quarter of an hour and try again.',
      retryAfterMs: QUARTER_MS,
    });
  }

  /** It was right, so what he mistyped before counts no more. */
  async forgive(db: Queryable, attempt: Omit<Attempt, 'secret'>): Promise<void> {
    const [purpose, subject, network] = this.#rowOf({ ...attempt, secret: '' });
    await db.query('delete from auth.attempts where purpose = $1 and subject = $2 and network = $3', [
      purpose,
      subject,
      network,
    ]);
  }

  #rowOf({ purpose, subject, clientAddress, secret }: Attempt): [string, Buffer, Buffer, Buffer] {
    const hashed = (what: string, text: string) =>
      createHmac('sha256', this.#secret).update(`${what}:${text}`).digest();
    return [purpose, hashed('subject', subject), hashed('network', networkOf(clientAddress)), hashed('secret', secret)];
  }
}
