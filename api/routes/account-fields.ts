// The fields by which somebody proves who he is. A password is taken as it is: nothing is trimmed, composed or cut.
import { z } from 'zod';
import { LONGEST_PASSWORD, SHORTEST_PASSWORD } from '../../services/accounts/passwords.ts';

export const newPassword = z.string().min(SHORTEST_PASSWORD).max(LONGEST_PASSWORD);

/** One that somebody may have. */
export const knownPassword = z.string().min(1).max(LONGEST_PASSWORD);

export const code = z.string().regex(/^\d{6}$/, 'six digits');

/** Of whoever is signed in already: the code where he has a second factor. */
export const proof = {
  password: knownPassword
    .optional()
    .meta({ description: 'Left out by who has none, within five minutes of POST /api/v1/me/identities/{id}/prove' }),
  code: code.optional(),
};
