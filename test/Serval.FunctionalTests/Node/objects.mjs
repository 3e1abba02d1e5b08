// Kinds that are defined by a program, the four patches, and a Lease that two candidates want.
import { Arrivals, assert, config, configMap, core, k8s, refused } from './client.mjs';

const namespace = 'default';
const patched = (type) => k8s.setHeaderOptions('Content-Type', type);

// Patches of a built-in kind.
await core.createNamespacedConfigMap({ namespace, body: configMap('node-patched', { a: '1' }) });
const patch = (body, type, more = {}) => core.patchNamespacedConfigMap({ name: 'node-patched', namespace, body, ...more }, patched(type));
assert.deepEqual((await patch([{ op: 'add', path: '/data/b', value: '2' }], k8s.PatchStrategy.JsonPatch)).data, { a: '1', b: '2' });
assert.deepEqual((await patch({ data: { a: null, c: '3' } }, k8s.PatchStrategy.MergePatch)).data, { b: '2', c: '3' });
assert.deepEqual((await patch({ metadata: { labels: { x: 'y' } } }, k8s.PatchStrategy.StrategicMergePatch)).metadata.labels, { x: 'y' });
assert.deepEqual((await patch(configMap('node-patched', { d: '4' }), k8s.PatchStrategy.ServerSideApply, { fieldManager: 'node' })).data, { b: '2', c: '3', d: '4' });
let status = await refused(422, patch([{ op: 'test', path: '/data/b', value: '9' }], k8s.PatchStrategy.JsonPatch));
assert.equal(status.reason, 'Invalid');
status = await refused(415, patch({}, 'application/json'));
assert.equal(status.reason, 'UnsupportedMediaType');
status = await refused(400, patch({ what: 1 }, k8s.PatchStrategy.ServerSideApply, { fieldManager: 'node' }));
assert.equal(status.reason, 'BadRequest');
await core.deleteNamespacedConfigMap({ name: 'node-patched', namespace });

// A definition and its objects.
const definitions = config.makeApiClient(k8s.ApiextensionsV1Api);
const group = 'node.example.com';
const crd = {
    metadata: { name: `gadgets.${group}` },
    spec: {
        group, scope: 'Namespaced', names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' },
        versions: [{
            name: 'v1', served: true, storage: true, subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
            schema: {
                openAPIV3Schema: {
                    type: 'object', properties: {
                        spec: { type: 'object', required: ['replicas'], properties: { replicas: { type: 'integer', minimum: 0 }, color: { type: 'string', _default: 'red' } } },
                        status: { type: 'object', properties: { replicas: { type: 'integer' } } },
                    },
                },
            },
        }],
    },
};
await definitions.createCustomResourceDefinition({ body: crd });
const seen = new Arrivals();
const watched = await new k8s.Watch(config).watch(
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { fieldSelector: `metadata.name=${crd.metadata.name}` }, (phase, obj) => seen.push([phase, obj]), () => {});
await seen.until('it is established', ([, obj]) => obj.status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True'));
const custom = config.makeApiClient(k8s.CustomObjectsApi);
const where = { group, version: 'v1', namespace, plural: 'gadgets' };
const gadget = (name, spec) => ({ apiVersion: `${group}/v1`, kind: 'Gadget', metadata: { name }, spec });
const made = await custom.createNamespacedCustomObject({ ...where, body: gadget('g', { replicas: 1 }) });
assert.deepEqual([made.spec.color, made.metadata.generation], ['red', 1]);
status = await refused(422, custom.createNamespacedCustomObject({ ...where, body: gadget('h', { replicas: -1 }) }));
assert.deepEqual([status.details.group, status.details.causes[0].field], [group, 'spec.replicas']);
status = await refused(400, custom.createNamespacedCustomObject({ ...where, fieldValidation: 'Strict', body: gadget('h', { replicas: 1, size: 2 }) }));
assert.match(status.message, /Gadget in version "v1" cannot be handled as a Gadget: strict decoding error: unknown field "spec.size"/);
const one = { ...where, name: 'g' };
const scale = await custom.getNamespacedCustomObjectScale(one);
assert.deepEqual([scale.kind, scale.apiVersion, scale.spec.replicas], ['Scale', 'autoscaling/v1', 1]);
await custom.replaceNamespacedCustomObjectScale({ ...one, body: { ...scale, spec: { replicas: 4 } } });
const told = await custom.replaceNamespacedCustomObjectStatus({ ...one, body: { ...(await custom.getNamespacedCustomObject(one)), status: { replicas: 4 } } });
assert.deepEqual([told.spec.replicas, told.status.replicas, told.metadata.generation], [4, 4, 2]);
assert.deepEqual((await custom.listNamespacedCustomObject(where)).items.map((g) => g.metadata.name), ['g']);
await refused(415, custom.patchNamespacedCustomObject({ ...one, body: {} }, patched(k8s.PatchStrategy.StrategicMergePatch)));
await definitions.deleteCustomResourceDefinition({ name: crd.metadata.name });
await seen.until('it is gone', ([phase]) => phase === 'DELETED');
watched.abort();
await refused(404, custom.listNamespacedCustomObject(where));

// Leader election: whoever writes the version that was read leads.
const leases = config.makeApiClient(k8s.CoordinationV1Api);
const lease = { name: 'node-leader', namespace };
const spec = (holder, transitions) => ({
    holderIdentity: holder, leaseDurationSeconds: 15, acquireTime: new k8s.V1MicroTime(), renewTime: new k8s.V1MicroTime(), leaseTransitions: transitions,
});
await leases.createNamespacedLease({ namespace, body: { metadata: lease, spec: spec('a', 0) } });
await refused(409, leases.createNamespacedLease({ namespace, body: { metadata: lease, spec: spec('b', 0) } }));
const held = await leases.readNamespacedLease(lease);
assert.match(JSON.stringify(held.spec.renewTime), /\.\d{6}Z/);
const wins = await Promise.allSettled(['b', 'c', 'd'].map((who) => leases.replaceNamespacedLease({ ...lease, body: { ...held, spec: spec(who, 1) } })));
assert.deepEqual(wins.map((w) => w.status).sort(), ['fulfilled', 'rejected', 'rejected']);
assert.ok(wins.every((w) => w.status === 'fulfilled' || w.reason.code === 409));
const leader = wins.find((w) => w.status === 'fulfilled').value;
assert.equal((await leases.readNamespacedLease(lease)).spec.holderIdentity, leader.spec.holderIdentity);
await leases.deleteNamespacedLease(lease);
