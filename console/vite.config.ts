// How the console becomes the files that the API serves under /console/. Nothing is inlined: the content security policy would refuse it.
import { defineConfig } from 'vite';

const FRAME =
  /node_modules\/(react|react-dom|scheduler|i18next|openapi-fetch|@tanstack\/(react-)?(router(-core)?|history|store|react-store))\//;

/** What every page for visitors needs beside that: each of these is small. */
const FORMS =
  /console\/src\/((enter|entered|own-path|visitor-address)\.ts|api\/(client|problem|signed-out)\.ts|parts\/(code-input|form|mail-input|new-password|page-heading|problem-note)\.tsx)$/;

export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  logLevel: 'warn',
  build: {
    manifest: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What every page needs in one file: many small ones are slower to get and do not compress as well.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'frame', test: FRAME },
            { name: 'forms', test: FORMS },
          ],
        },
      },
    },
    emptyOutDir: true,
  },
});
