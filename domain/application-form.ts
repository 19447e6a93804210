// What an enterprise applies with, as plain JSON. A draft may lack any of it; what is submitted lacks nothing.

export interface ApplicationForm {
  readonly company: string;
  /** Of its website and its mail addresses, as example.com. */
  readonly domain: string;
  /** What it will use the API for. */
  readonly useCase: string;
  /** What it expects to spend in a month. */
  readonly monthlyVolumeCents: number;
  readonly wantedTerms: {
    /** 0: it would pay in advance. */
    readonly creditLineCents: number;
    readonly netDays: number;
    /** Anything else that it would agree on. */
    readonly note: string | null;
  };
  /** Where its data may be processed. */
  readonly residency: 'any' | 'cn' | 'eu' | 'us';
  readonly contacts: readonly Contact[];
}

interface Contact {
  readonly name: string;
  readonly email: string;
}

export type DraftForm = { readonly [F in keyof ApplicationForm]?: ApplicationForm[F] | undefined };

const FIELDS = [
  'company',
  'domain',
  'useCase',
  'monthlyVolumeCents',
  'wantedTerms',
  'residency',
  'contacts',
] as const satisfies readonly (keyof ApplicationForm)[];

/** What is still to be filled in, in the order of the form. */
export function missingIn(draft: DraftForm): (keyof ApplicationForm)[] {
  return FIELDS.filter((field) => draft[field] === undefined || (field === 'contacts' && draft.contacts?.length === 0));
}

export function isComplete(draft: DraftForm): draft is ApplicationForm {
  return missingIn(draft).length === 0;
}
