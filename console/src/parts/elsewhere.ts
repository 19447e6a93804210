// Pages that are not ours, Stripe's, on which money and cards change hands. Whoever goes there comes back to the page of billing.
import { useMutation } from '@tanstack/react-query';

/** `asked` answers where to go. */
export function useElsewhere<W>(asked: (wanted: W) => Promise<{ readonly url: string }>) {
  return useMutation({ mutationFn: asked, onSuccess: ({ url }) => location.assign(url) });
}
