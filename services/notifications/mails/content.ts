// What one mail says, before it is text or HTML: both are made of the same content, so neither says what the other does not.
import type { FactsOf, Locale, MailKind } from './kinds.ts';
import type { Phrases } from './phrases.ts';

export interface MailContent {
  readonly subject: string;
  /** What happened. */
  readonly opening: string;
  readonly details: readonly (readonly [label: string, value: string])[];
  /** What happens next and when, or what to do. */
  readonly next: readonly string[];
  /** The one link. */
  readonly action: { readonly label: string; readonly url: string };
}

/** Where links lead that no fact names. */
export interface MailSite {
  /** The customer's account. */
  readonly accountUrl: string;
  /** Where an organization's enterprise application is answered. */
  applicationUrl(orgId: string): string;
  /** Where anybody may pay that invoice. */
  payUrl(invoiceId: string): string;
  /** Where a mail address is proved. */
  verifyUrl(verificationId: string): string;
  /** Where somebody joins an organization. */
  invitationUrl(invitationId: string): string;
  /** Where another password is chosen. */
  resetUrl(resetId: string): string;
  /** Where a mail address is taken back. */
  mailBackUrl(mailChangeId: string): string;
  /** Where somebody says that a provider may speak for him. */
  identityLinkUrl(linkId: string): string;
  /** Where owners see whom their organization lets say who its people are. */
  teamUrl(orgId: string): string;
  /** Where its API keys are rolled, and let go on. */
  keysUrl(orgId: string): string;
  /** Where a closed account is opened again. */
  reopenUrl(closingId: string): string;
  /** What is typed where somebody takes another address. */
  mailChangeCode(mailChangeId: string): string;
  /** What is typed where somebody signs up. */
  signUpCode(signUpId: string): string;
  /** Where a new enterprise makes its first API key. */
  welcomeUrl(welcomeId: string): string;
  /** For the staff: where an application is decided on. */
  reviewUrl(applicationId: string): string;
  /** For the staff: where keys of channels are brought. */
  readonly staffKeysUrl: string;
  /** For the staff: docs/operations.md. */
  readonly runbookUrl: string;
}

export interface MailContext extends MailSite {
  readonly orgId: string | null;
  /** The customer's name for itself: any text. Null: it is about no organization. */
  readonly organization: string | null;
}

/** Both languages of a mail stand side by side: who changes the one sees the other. */
export type MailTemplate<K extends MailKind> = {
  readonly [L in Locale]: (facts: FactsOf<K>, phrases: Phrases, context: MailContext) => MailContent;
};

/** Sentences that are said only sometimes. */
export function said(...sentences: readonly (string | null)[]): string[] {
  return sentences.filter((sentence) => sentence !== null);
}
