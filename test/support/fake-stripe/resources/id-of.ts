// Stripe's types allow an object wherever an id stands, because it may be expanded. Stored rows hold ids.

export function idOf(reference: string | { readonly id: string } | null | undefined): string | null {
  return typeof reference === 'object' ? (reference?.id ?? null) : (reference ?? null);
}
