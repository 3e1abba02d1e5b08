// A pod's log, as it is written.
import { PassThrough } from 'node:stream';
import { Arrivals, config, core, k8s } from './client.mjs';

const [pod] = (await core.listNamespacedPod({ namespace: 'default', labelSelector: 'app=node-logs' })).items;
const seen = new Arrivals();
const stream = new PassThrough();
stream.on('data', (chunk) => `${chunk}`.split('\n').forEach((line) => line && seen.push(line)));
const follow = await new k8s.Log(config).log('default', pod.metadata.name, pod.spec.containers[0].name, stream, { follow: true, tailLines: 100 });
await seen.until('the first line', (line) => line.includes('first line'));
await seen.until('a later line', (line) => line.includes('tick'));
follow.abort();
process.exit(0);
