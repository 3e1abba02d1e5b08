// The Status bodies that programs switch on, as the library hands them over.
import { assert, configMap, core, refused } from './client.mjs';

const namespace = 'default';
let status = await refused(404, core.readNamespacedConfigMap({ name: 'none', namespace }));
assert.deepEqual([status.kind, status.reason, status.details.kind, status.details.name], ['Status', 'NotFound', 'configmaps', 'none']);

await core.createNamespacedConfigMap({ namespace, body: configMap('node-errors', { a: '1' }) });
status = await refused(409, core.createNamespacedConfigMap({ namespace, body: configMap('node-errors', {}) }));
assert.equal(status.reason, 'AlreadyExists');

const read = await core.readNamespacedConfigMap({ name: 'node-errors', namespace });
await core.replaceNamespacedConfigMap({ name: 'node-errors', namespace, body: { ...read, data: { a: '2' } } });
status = await refused(409, core.replaceNamespacedConfigMap({ name: 'node-errors', namespace, body: { ...read, data: { a: '3' } } }));
assert.equal(status.reason, 'Conflict');

status = await refused(422, core.createNamespacedConfigMap({ namespace, body: configMap('Not_A_Name', {}) }));
assert.deepEqual([status.reason, status.details.causes[0].reason, status.details.causes[0].field], ['Invalid', 'FieldValueInvalid', 'metadata.name']);

status = await refused(422, core.createNamespacedConfigMap({ namespace, body: configMap('x', {}), dryRun: 'Some' }));
assert.equal(status.details.causes[0].reason, 'FieldValueNotSupported');

await core.deleteNamespacedConfigMap({ name: 'node-errors', namespace });
