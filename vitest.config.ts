import swc from 'unplugin-swc';
import { configDefaults, defineConfig } from 'vitest/config';

const SPECS = ['{apps,libs,migrations,dev,bench,test}/**/*.spec.ts'];
const SYSTEM_SPECS = 'test/**/*.e2e.spec.ts';
const conditions = ['tidemark-source', 'node'];

export default defineConfig({
  // Nest needs decorator metadata, which esbuild cannot emit.
  plugins: [
    swc.vite({
      module: { type: 'es6' },
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        keepClassNames: true,
      },
    }),
  ],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    globalSetup: ['test/harness/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    minWorkers: 1,
    projects: [
      {
        extends: true,
        test: { name: 'rooms', include: SPECS, exclude: [...configDefaults.exclude, SYSTEM_SPECS] },
      },
      // After the others, one at a time: each runs a whole stack, and two cores shared by two of those starve both.
      {
        extends: true,
        test: { name: 'system', include: [SYSTEM_SPECS], poolOptions: { forks: { singleFork: true } }, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
