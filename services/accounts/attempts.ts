// What was tried and was not right: distinct secrets are counted, for each account, for each network, and for both together, so a program that
// repeats one wrong password locks nobody out, and a list of stolen ones is soon at its end (R-LOG-6). It is written down before it is looked at, and
// counted after that, so that many at once get no more; what was right is taken out again.
import { createHmac } from 'node:crypto';
import { TollgateError } from '../../domain/errors.ts';
import type { Queryable } from '../platform/postgres.ts';
import { networkOf } from './networks.ts';

export interface Attempt {
  readonly purpose: 'sign_in' | 'sign_up' | 'password_reset' | 'single_sign_on';
  /** Of whom: as he called himself. */
  readonly subject: string;
  readonly clientAddress: string;
  /** What tells one attempt from another. */
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
  single_sign_on: { together: 10, network: 50, subject: 100 },
};

const QUARTER_MS = 15 * 60_000;

type Row = [purpose: string, subject: Buffer, network: Buffer, secret: Buffer];

export class Attempts {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** Whether it is one more than before. @throws TollgateError too_many_attempts; what is beyond the bounds is not kept */
  async begin(db: Queryable, attempt: Attempt, isAtHome: boolean): Promise<boolean> {
    const row = this.#rowOf(attempt);
    const { rows } = await db.query<{ isNew: boolean }>(
      `with gone as (
         delete from auth.attempts
          where tried_at < clock_timestamp() - interval '1 day' and (purpose, subject, network, secret) <> ($1, $2, $3, $4))
       insert into auth.attempts (purpose, subject, network, secret) values ($1, $2, $3, $4)
       on conflict (purpose, subject, network, secret) do update set tried_at = clock_timestamp() returning xmax = 0 as "isNew"`,
      row,
    );
    const isNew = rows[0]?.isNew === true;
    if (await isWithin(db, row, BOUNDS[attempt.purpose], isAtHome)) return isNew;
    if (isNew) {
      await db.query('delete from auth.attempts where (purpose, subject, network, secret) = ($1, $2, $3, $4)', row);
    }
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

  #rowOf({ purpose, subject, clientAddress, secret }: Attempt): Row {
    const hashed = (what: string, text: string) =>
      createHmac('sha256', this.#secret).update(`${what}:${text}`).digest();
    return [purpose, hashed('subject', subject), hashed('network', networkOf(clientAddress)), hashed('secret', secret)];
  }
}

/** Counted after it was written down, in a statement of its own: it sees whatever others have written at the same time. */
async function isWithin(
  db: Queryable,
  [purpose, subject, network]: Row,
  bounds: Bounds,
  isAtHome: boolean,
): Promise<boolean> {
  const { rows } = await db.query<{ isWithin: boolean }>(
    `select count(*) filter (where subject = $2 and network = $3 and tried_at > clock_timestamp() - interval '15 minutes') <= $4
            and count(*) filter (where network = $3 and tried_at > clock_timestamp() - interval '15 minutes') <= $5
            and ($7 or count(*) filter (where subject = $2) <= $6) as "isWithin"
       from auth.attempts
      where purpose = $1 and (subject = $2 or network = $3) and tried_at > clock_timestamp() - interval '1 hour'`,
    [purpose, subject, network, bounds.together, bounds.network, bounds.subject, isAtHome],
  );
  return rows[0]?.isWithin === true;
}
