// What a person tells a process, whichever process it is. It is counted once by its request id, and what it did is in PostgreSQL
// before it is answered.

export interface Command {
  /** Who decided: for the record, already authorized by whoever passes the command on. */
  readonly actor: string;
  readonly reason: string;
  /** A UUID. The same one again is the same command. */
  readonly requestId: string;
}

const LONGEST_ACTOR = 200;
const LONGEST_REASON = 1_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Null: it can be recorded. It comes from outside and may be anything. */
export function problemOfCommand(command: Partial<Command> | undefined): string | null {
  if (!isText(command?.actor, LONGEST_ACTOR)) return `actor: who decided, at most ${LONGEST_ACTOR} characters`;
  if (!isText(command?.reason, LONGEST_REASON)) return `reason: why, at most ${LONGEST_REASON} characters`;
  return UUID.test(String(command?.requestId)) ? null : 'requestId: a UUID of this command';
}

function isText(value: unknown, longest: number): boolean {
  return typeof value === 'string' && value.trim() !== '' && value.length <= longest && !value.includes('\0');
}
