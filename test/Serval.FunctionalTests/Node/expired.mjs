// A watch from a version whose changes are gone is told 410, and an informer lists again.
import { Arrivals, assert, config, configMap, core, k8s } from './client.mjs';

const namespace = 'default';
await core.createNamespacedConfigMap({ namespace, body: configMap('node-expired', { a: '1' }, { labels: { expired: 'yes' } }) });
const old = (await core.listNamespacedConfigMap({ namespace })).metadata.resourceVersion;
await core.createNamespacedConfigMap({ namespace, body: configMap('node-later', {}) });

const path = '/api/v1/namespaces/default/configmaps';

/** What a watch from that version answers first. */
async function first(resourceVersion) {
    const seen = new Arrivals();
    const watch = await new k8s.Watch(config).watch(path, { resourceVersion }, (phase, obj) => seen.push({ phase, obj }), (end) => seen.push({ phase: 'DONE', obj: end }));
    const event = await seen.until('an event', () => true);
    watch.abort();
    return event;
}

// More bytes of changes than a server keeps: 64 MiB.
const write = async (name) => {
    const body = configMap(name, { a: 'x'.repeat(1_000_000) });
    await core.createNamespacedConfigMap({ namespace, body });
    for (let i = 0; i < 20; i++) {
        await core.replaceNamespacedConfigMap({ name, namespace, body: { ...body, data: { ...body.data, b: `${i}` } } });
    }
    await core.deleteNamespacedConfigMap({ name, namespace });
};
let answer = await first(old);
for (let round = 0; round < 5 && answer.phase !== 'ERROR'; round++) {
    await Promise.all([1, 2, 3, 4].map((n) => write(`node-large-${n}`)));
    answer = await first(old);
}
assert.deepEqual([answer.phase, answer.obj.kind, answer.obj.code, answer.obj.reason], ['ERROR', 'Status', 410, 'Expired']);

let lists = 0;
const list = async () => {
    const found = await core.listNamespacedConfigMap({ namespace, labelSelector: 'expired=yes' });
    return lists++ ? found : { ...found, metadata: { ...found.metadata, resourceVersion: old } };
};
const came = new Arrivals();
const informer = k8s.makeInformer(config, path, list, 'expired=yes');
informer.on('update', (obj) => came.push(obj.data.a));
informer.on('error', () => setTimeout(() => informer.start().catch(() => {}), 100));
await informer.start();
await core.replaceNamespacedConfigMap({ name: 'node-expired', namespace, body: configMap('node-expired', { a: '2' }, { labels: { expired: 'yes' } }) });
await came.until('the change', (a) => a === '2');
assert.ok(lists > 1, 'it should have listed again');
await informer.stop();
await core.deleteNamespacedConfigMap({ name: 'node-expired', namespace });
await core.deleteNamespacedConfigMap({ name: 'node-later', namespace });
process.exit(0);
