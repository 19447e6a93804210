// How long a session of each login may keep others waiting, whatever its client does: a process that is frozen inside a transaction,
// or a query of a person, must not stop everybody's money. Pools set shorter statement timeouts of their own; these are the backstop.
// PostgreSQL knows such settings per login only (D22).
import { escapeIdentifier } from 'pg';

export type Login = 'gateway' | 'worker' | 'members' | 'readonly' | 'backup';

/**
 * A settlement that meets one of these is spilled and replayed. readonly: for people and reports, which take their time. backup: reads all there
 * is, and waits with its snapshot for what it has handed it to.
 */
const SECONDS: { readonly [L in Login]: { readonly lock: number; readonly statement: number; readonly idle: number } } =
  {
    gateway: { lock: 10, statement: 30, idle: 30 },
    worker: { lock: 30, statement: 120, idle: 60 },
    members: { lock: 10, statement: 30, idle: 30 },
    readonly: { lock: 5, statement: 300, idle: 300 },
    backup: { lock: 60, statement: 21_600, idle: 21_600 },
  };

/** The statements that give a login role its settings. */
export function sessionSettings(role: string, login: Login): string {
  const { lock, statement, idle } = SECONDS[login];
  const settings = [
    `lock_timeout = '${lock}s'`,
    `statement_timeout = '${statement}s'`,
    `idle_in_transaction_session_timeout = '${idle}s'`,
  ];
  return settings.map((setting) => `alter role ${escapeIdentifier(role)} set ${setting}`).join('; ');
}
