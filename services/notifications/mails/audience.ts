// To whom a mail may go; who that is when it is queued, services/notifications/outbox.ts finds out.

/**
 * billing: whoever pays for the organization. owners: who answers for it. person: one person, whose address may not be verified yet. address:
 * whoever reads it, known or not. staff: us. duty: whoever of us is named for it. holder: whose API key it is, which of a key of the organization are its
 * owners. holder_and_owners: both.
 */
export type Audience =
  | 'billing'
  | 'owners'
  | 'person'
  | 'address'
  | 'invited'
  | 'staff'
  | 'duty'
  | 'holder'
  | 'holder_and_owners';
