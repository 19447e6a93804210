// Metadata is merged name by name; '' takes a name away, and '' for the whole takes all.
import type Stripe from 'stripe';
import { invalid } from '../wire/refusals.ts';

const NAMES_MAX = 50;
const NAME_LENGTH_MAX = 40;
const VALUE_LENGTH_MAX = 500;

export function mergedMetadata(
  before: Stripe.Metadata,
  given: Stripe.Emptyable<Stripe.MetadataParam> | undefined,
): Stripe.Metadata {
  if (given === undefined) return before;
  if (given === '' || given === null) return {};
  const merged = { ...before };
  for (const [name, value] of Object.entries(given)) {
    const text = String(value ?? '');
    if (name.length > NAME_LENGTH_MAX || text.length > VALUE_LENGTH_MAX) {
      const message = `Metadata keys are at most ${NAME_LENGTH_MAX} characters long, values ${VALUE_LENGTH_MAX}: ${name}`;
      throw invalid(message, { param: 'metadata' });
    }
    if (text === '') delete merged[name];
    else merged[name] = text;
  }
  if (Object.keys(merged).length > NAMES_MAX) {
    throw invalid(`Metadata can have up to ${NAMES_MAX} keys.`, { param: 'metadata' });
  }
  return merged;
}
