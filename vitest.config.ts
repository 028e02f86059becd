import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';

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
    include: ['{apps,libs,migrations,dev,bench,test}/**/*.spec.ts'],
    globalSetup: ['test/harness/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One file at a time: many of them run databases, brokers and whole stacks, and two cores shared by two of those starve both.
    fileParallelism: false,
  },
});
