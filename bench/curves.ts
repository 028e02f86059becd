import { groupCommitCurve } from './growth/group-commit.curve.js';
import { storeSizeCurve } from './growth/store-size.curve.js';
import type { Curve } from './harness/curve.js';

export const CURVES: readonly Curve[] = [storeSizeCurve, groupCommitCurve];
