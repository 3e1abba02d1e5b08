// Server-side apply: create, change, conflict, force, prune; of a ConfigMap and of a Knative Service.
import { assert, config, configMap, k8s, refused } from './client.mjs';

const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const apply = (obj, manager, force = false) => objects.patch(obj, undefined, undefined, manager, force, k8s.PatchStrategy.ServerSideApply);

const created = await apply(configMap('node-apply', { a: '1', b: '1' }), 'first');
assert.equal(created.metadata.managedFields[0].manager, 'first');
assert.equal(created.metadata.managedFields[0].operation, 'Apply');
assert.deepEqual(created.metadata.managedFields[0].fieldsV1, { 'f:data': { 'f:a': {}, 'f:b': {} } });

const status = await refused(409, apply(configMap('node-apply', { a: '2' }), 'second'));
assert.equal(status.reason, 'Conflict');
assert.deepEqual(status.details.causes, [{ reason: 'FieldManagerConflict', message: 'conflict with "first"', field: '.data.a' }]);

const taken = await apply(configMap('node-apply', { a: '2' }), 'second', true);
assert.deepEqual(taken.data, { a: '2', b: '1' });
const pruned = await apply(configMap('node-apply', {}), 'first');
assert.deepEqual(pruned.data, { a: '2' });
assert.equal((await apply(configMap('node-apply', { a: '2' }), 'second')).metadata.resourceVersion, pruned.metadata.resourceVersion);

// The generic API takes a Service of Knative for one of core/v1; custom objects have an API of their own.
const custom = config.makeApiClient(k8s.CustomObjectsApi);
const where = { group: 'serving.knative.dev', version: 'v1', namespace: 'default', plural: 'services', name: 'node-apply' };
const service = (image, more = {}) => custom.patchNamespacedCustomObject({
    ...where, fieldManager: 'first',
    body: {
        apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name: 'node-apply' }, spec: { template: { spec: { containers: [{ image }] } } }, ...more,
    },
}, k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.ServerSideApply));
assert.equal((await service('dev.local/none:1')).metadata.generation, 1);
assert.equal((await service('dev.local/none:1')).metadata.generation, 1);
const changed = await service('dev.local/none:2');
assert.deepEqual([changed.metadata.generation, changed.spec.template.spec.containers[0].image], [2, 'dev.local/none:2']);
await refused(400, service('dev.local/none:2', { what: 1 }));
await custom.deleteNamespacedCustomObject(where);
await objects.delete(configMap('node-apply', {}));
