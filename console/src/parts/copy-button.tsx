// Copies a text and says that it has. Where a browser lets no script copy, the text stays selectable beside it.
import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { useWords } from '../messages/language.ts';
import { CheckIcon, CopyIcon } from './icons.tsx';

const CONFIRMED_MS = 2_000;

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const t = useWords();
  const clipboard = useClipboard({ timeout: CONFIRMED_MS });
  return (
    <>
      <Button
        variant={clipboard.copied ? 'light' : 'default'}
        size="xs"
        leftSection={clipboard.copied ? <CheckIcon /> : <CopyIcon />}
        onClick={() => clipboard.copy(text)}
      >
        {clipboard.copied ? t('copy.done') : label}
      </Button>
      <span role="status" className="only-heard">
        {clipboard.copied ? t('copy.done') : ''}
      </span>
    </>
  );
}
