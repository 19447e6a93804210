// Keys that do something on a page, and the list of them that `?` shows. They are single letters, so whoever is disturbed by that, as people are
// who speak to their computers, turns them off there (WCAG 2.1.4). None is heard while somebody writes, or a dialog is open.
import { Button, Table } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useWords } from '../messages/language.ts';
import { Dialog } from './dialog.tsx';

export interface Shortcut {
  /** As the browser names them. */
  readonly keys: readonly string[];
  readonly what: string;
  /** False: not now, and the key does what it does anyway. */
  press(name: string): unknown;
}

const REMEMBERED = 'tollgate-shortcuts';
const OFF = 'off';

export function Shortcuts({ shortcuts }: { readonly shortcuts: readonly Shortcut[] }) {
  const t = useWords();
  const [isOn, setOn] = useState(localStorage.getItem(REMEMBERED) !== OFF);
  const [isOpen, setOpen] = useState(false);
  const help: Shortcut = { keys: ['?'], what: t('shortcuts.help'), press: () => setOpen(true) };
  const all = [...shortcuts, help];
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (!isOn || event.ctrlKey || event.metaKey || event.altKey || isBusy(event.target)) return;
      const found = all.find(({ keys }) => keys.includes(event.key));
      if (found !== undefined && found.press(event.key) !== false) event.preventDefault();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  });
  const turn = () => {
    localStorage.setItem(REMEMBERED, isOn ? OFF : 'on');
    setOn(!isOn);
  };
  return (
    <>
      <Button variant="subtle" color="gray" className="for-keyboards" onClick={() => setOpen(true)}>
        {t('shortcuts.title')}
      </Button>
      <Dialog opened={isOpen} close={() => setOpen(false)} title={t('shortcuts.title')}>
        <Table>
          <Table.Tbody>
            {all.map(({ keys, what }) => (
              <Table.Tr key={what}>
                <Table.Td>
                  {keys.map((name) => (
                    <kbd key={name}>{SIGNS[name] ?? name}</kbd>
                  ))}
                </Table.Td>
                <Table.Td>{what}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <p className="quiet">{isOn ? t('shortcuts.on') : t('shortcuts.off')}</p>
        <Button variant="default" onClick={turn}>
          {isOn ? t('shortcuts.turnOff') : t('shortcuts.turnOn')}
        </Button>
      </Dialog>
    </>
  );
}

/** On the button that it presses; the button's name says what that does. */
export function KeySign({ name }: { readonly name: string }) {
  return (
    <span className="key-sign" aria-hidden="true">
      {name}
    </span>
  );
}

const SIGNS: Readonly<Record<string, string>> = { ArrowDown: '↓', ArrowUp: '↑', Enter: '↵' };

function isBusy(target: EventTarget | null): boolean {
  const isWriting = target instanceof Element && target.closest('input, textarea, select') !== null;
  return isWriting || document.querySelector('[role="dialog"]') !== null;
}
