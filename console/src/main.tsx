// The console: words, looks and session are in place before the first page is shown.
import './styles.css';
import { MantineProvider } from '@mantine/core';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { speak, wantedLanguage } from './messages/language.ts';
import { router } from './router.tsx';
import { theme } from './theme.ts';

const place = document.querySelector('#console');
if (place === null) throw new Error('index.html has no place for the console');
await speak(wantedLanguage());
createRoot(place).render(
  <StrictMode>
    {/* Mantine would write its variables into the page by itself; they are in styles.css, and nothing inline is allowed (D93). */}
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <RouterProvider router={router} />
    </MantineProvider>
  </StrictMode>,
);
