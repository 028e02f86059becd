import { eventSizeCurve } from './growth/event-size.curve.js';
import { groupCommitCurve } from './growth/group-commit.curve.js';
import { instancesCurve } from './growth/instances.curve.js';
import { storeSizeCurve } from './growth/store-size.curve.js';
import { streamLengthCurve } from './growth/stream-length.curve.js';
import { streamsCurve } from './growth/streams.curve.js';
import type { Curve } from './harness/curve.js';
import { outboxGrowthCurve } from './relay/outbox-growth.curve.js';

export const CURVES: readonly Curve[] = [
  storeSizeCurve,
  outboxGrowthCurve,
  streamsCurve,
  streamLengthCurve,
  eventSizeCurve,
  instancesCurve,
  groupCommitCurve,
];
