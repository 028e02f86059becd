import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { mutated, type Edit } from './mutant.js';

/** Made anew where they are needed, or none of the source. */
const LEFT_OUT = new Set(['node_modules', 'dist', '.git', '.tidemark', '.tidemark-cache', 'coverage']);

/** A copy of the checkout, with its packages linked: what is broken in it is broken for nobody else. */
export class MutatedTree {
  readonly #originals = new Map<string, string>();

  private constructor(
    /** Absolute, without symbolic links. */
    readonly root: string,
  ) {}

  /** As the checkout is at this moment; later changes to it do not show. In a new folder of `parent`. */
  static copyOf(checkout: string, parent = tmpdir()): MutatedTree {
    const root = realpathSync(mkdtempSync(join(parent, 'tidemark-mutants-')));
    cpSync(checkout, root, { recursive: true, filter: (path) => !LEFT_OUT.has(relative(checkout, path).split(sep)[0] ?? '') });
    symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'), 'dir');
    return new MutatedTree(root);
  }

  /** All edits or none. Throws when one of them does not fit. */
  apply(edits: readonly Edit[]): void {
    const texts = new Map<string, string>();
    for (const edit of edits) {
      const path = join(this.root, edit.file);
      texts.set(path, mutated(texts.get(path) ?? readFileSync(path, 'utf8'), edit));
    }
    for (const [path, text] of texts) {
      if (!this.#originals.has(path)) this.#originals.set(path, readFileSync(path, 'utf8'));
      writeFileSync(path, text);
    }
  }

  /** As it was copied. */
  restore(): void {
    for (const [path, text] of this.#originals) writeFileSync(path, text);
    this.#originals.clear();
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
