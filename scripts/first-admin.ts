// The one-time token of the first admin, as start prints it: asked of the management API at each start until there is an admin.
import { z } from 'zod';

const Answer = z.object({ bootstrapToken: z.string(), validUntil: z.string() });

export interface FirstAdmin {
  readonly bootstrapToken: string;
  readonly validUntil: string;
}

/** Null: there is an admin. */
export async function firstAdmin(place: {
  readonly api: string;
  readonly adminToken: string;
}): Promise<FirstAdmin | null> {
  const answer = await fetch(`${place.api}/api/v1/bootstrap-tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${place.adminToken}`, 'content-type': 'application/json' },
    body: '{}',
  });
  const text = await answer.text();
  if (answer.status === 409) return null;
  if (!answer.ok) throw new Error(`asking for a bootstrap token was answered ${answer.status}: ${text.slice(0, 500)}`);
  return Answer.parse(JSON.parse(text));
}
