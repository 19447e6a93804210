// Where passkeys would be, on a page that was opened by an address of numbers: its own by name, before anybody has tried in vain. Sessions are of one
// host, and mails lead to the one that the installation has, so no other is printed at the start.
import { Anchor } from '@mantine/core';
import { useWords } from '../messages/language.ts';

export function OpenedByNumber({ address }: { readonly address: string }) {
  const t = useWords();
  return (
    <p className="quiet by-name">
      {t('byName.why')}{' '}
      <Anchor href={address} inherit underline="always">
        {address}
      </Anchor>
    </p>
  );
}
