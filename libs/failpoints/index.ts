export { FAILPOINTS, type FailpointName } from './failpoint-names.js';
export { FailpointSpecError, parseFailpoints } from './failpoint-spec.js';
export { FailpointError, Failpoints, failpoints, type FailpointState } from './failpoints.js';
