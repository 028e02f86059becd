/** The process of one contender: opens it, carries out rounds as the parent says, and closes it. */
import { pathToFileURL } from 'node:url';
import type { Contender, OpenContender } from './contender.js';
import type { FromContender, ToContender } from './contender-process.js';

const [module = '', settings = '{}'] = process.argv.slice(2);
const tell = (message: FromContender): void => void process.send?.(message);
const told = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

let contender: Contender;
try {
  const { open } = (await import(pathToFileURL(module).href)) as { open: OpenContender<unknown, unknown> };
  contender = await open(JSON.parse(settings));
  tell({ kind: 'open' });
} catch (error) {
  tell({ kind: 'failed', why: told(error) });
  process.disconnect();
}

process.on('message', (message: ToContender) => {
  void (async () => {
    if (message.kind === 'close') {
      await contender.close();
      process.disconnect();
    } else {
      tell({ kind: 'measured', measure: await contender.round(message.load) });
    }
  })().catch((error: unknown) => tell({ kind: 'failed', why: told(error) }));
});
// Whoever started it is gone.
process.on('disconnect', () => process.exit());
