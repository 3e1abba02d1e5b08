using System.Collections.Concurrent;
using System.Collections.Immutable;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Kube;
using Serval.Routing;
using Serval.Routing.Knative;

namespace Serval.Controllers.Networking;

/// <summary>
/// EndpointSlices → endpoints of backends, and capacity signals past them. A revision's endpoints are those of its private Service; a plain
/// Service's are fed only while a route leads to it. Called by one worker, except <see cref="Signal"/>.
/// </summary>
internal sealed class EndpointFeed(IKubeClient client, IEndpointSink sink)
{
    private const string ServiceNameLabel = "kubernetes.io/service-name";
    private const string SksLabel = KnativeNames.NetworkingInternalGroup + "/serverlessservice";

    private readonly ConcurrentDictionary<ObjectKey, ImmutableHashSet<ObjectKey>> _slices = new(); // by Service
    private readonly Dictionary<ObjectKey, HashSet<BackendKey>> _plain = []; // referenced backends by Service
    private readonly HashSet<BackendKey> _revisions = [];

    /// <summary>Notes which slices a Service has; returns that Service.</summary>
    internal ObjectKey? Index(CacheChange change)
    {
        if (change.New.Metadata.Label(ServiceNameLabel) is not { Length: > 0 } name || change.New.Metadata.Label(KnativeNames.ServiceTypeLabel) == "Public")
        {
            return null; // a revision's public Service names the gateway itself, or shows what its private one has
        }
        var service = new ObjectKey(change.New.Metadata.Namespace, name);
        var slice = change.New.Key;
        if (change.Type == WatchEventType.Deleted)
        {
            _slices.AddOrUpdate(service, _ => [], (_, slices) => slices.Remove(slice));
        }
        else
        {
            _slices.AddOrUpdate(service, _ => [slice], (_, slices) => slices.Add(slice));
        }
        return service;
    }

    /// <summary>How many Services have a place here.</summary>
    internal int Known => _slices.Count;

    /// <summary>A route leads to this plain backend now. Returns its Service, which is to be published.</summary>
    internal ObjectKey Add(BackendKey backend)
    {
        var service = new ObjectKey(backend.Namespace, backend.Name);
        if (!_plain.TryGetValue(service, out var backends))
        {
            _plain[service] = backends = [];
        }
        backends.Add(backend);
        return service;
    }

    /// <summary>No route leads to this plain backend any more.</summary>
    internal void Remove(BackendKey backend)
    {
        var service = new ObjectKey(backend.Namespace, backend.Name);
        if (_plain.TryGetValue(service, out var backends) && backends.Remove(backend) && backends.Count == 0)
        {
            _plain.Remove(service);
        }
        sink.Remove(backend);
    }

    /// <summary>A ServerlessService came or went.</summary>
    internal void Revision(ObjectKey key)
    {
        var backend = BackendKey.Revision(key.Namespace, key.Name);
        if (client.Cache(Kinds.ServerlessService).Get(key) is not null)
        {
            if (_revisions.Add(backend))
            {
                var service = new ObjectKey(key.Namespace, ChildNames.Of(key.Name, "-private"));
                if (!_slices.ContainsKey(service))
                {
                    sink.Set(backend, EndpointsSnapshot.Empty); // one of that name may have been removed: this one is waited for
                }
                Publish(service); // its slices may have been seen first
            }
        }
        else if (_revisions.Remove(backend))
        {
            sink.Remove(backend);
        }
    }

    /// <summary>A Service or its slices changed.</summary>
    internal void Publish(ObjectKey service)
    {
        var stored = client.Cache(Kinds.Service).Get(service);
        if (stored is null && _slices.TryGetValue(service, out var slices) && slices.IsEmpty)
        {
            _slices.TryRemove(KeyValuePair.Create(service, slices)); // unless a slice has come in the meantime
        }
        if (stored?.Metadata.Label(KnativeNames.ServiceTypeLabel) == "Private" && stored.Metadata.Label(SksLabel) is { } revision)
        {
            PublishRevision(service, stored, new ObjectKey(service.Namespace, revision));
        }
        if (_plain.TryGetValue(service, out var backends))
        {
            foreach (var backend in backends)
            {
                PublishPlain(service, backend);
            }
        }
    }

    /// <summary>A node's signal, ahead of the slices.</summary>
    internal void Signal(InstanceCapacity capacity)
    {
        if (capacity.Revision.Name.Length == 0)
        {
            return;
        }
        var state = capacity.State switch
        {
            InstanceState.Ready => EndpointState.Ready,
            InstanceState.Draining => EndpointState.Draining,
            _ => EndpointState.Gone,
        };
        var backend = BackendKey.Revision(capacity.Revision.Namespace, capacity.Revision.Name);
        sink.SetInstance(backend, new BackendEndpoint(capacity.Host, Port(capacity), capacity.PodUid, state));
    }

    /// <summary>A pod is gone: said again in case the node's signal was lost.</summary>
    internal void PodDeleted(KubeObject pod)
    {
        if (pod.Metadata.Label(KnativeNames.RevisionLabel) is { Length: > 0 } revision)
        {
            var backend = BackendKey.Revision(pod.Metadata.Namespace, revision);
            sink.SetInstance(backend, new BackendEndpoint("", 0, pod.Metadata.Uid, EndpointState.Gone));
        }
    }

    private int Port(InstanceCapacity capacity)
    {
        if (capacity.Ports.Count == 1)
        {
            return capacity.Ports.Values.First();
        }
        var spec = client.Cache(Kinds.Revision).Get(capacity.Revision)?.As<Revision>().Spec;
        var port = (spec is null ? null : RevisionPolicies.ServingPort(spec))?.Number ?? RevisionPolicies.DefaultPort;
        return capacity.Ports.TryGetValue(port, out var mapped) ? mapped : port;
    }

    private void PublishRevision(ObjectKey service, KubeObject stored, ObjectKey revision)
    {
        // Before the first slice there is nothing to say; nor when the revision has gone and its Service is about to.
        if (_slices.ContainsKey(service) && client.Cache(Kinds.ServerlessService).Get(revision) is not null)
        {
            var name = stored.As<Service>().Spec.Ports is { Count: > 0 } ports ? ports[0].Name : "";
            sink.Set(BackendKey.Revision(revision.Namespace, revision.Name), Snapshot(service, name));
        }
    }

    private void PublishPlain(ObjectKey key, BackendKey backend)
    {
        var service = client.Cache(Kinds.Service).Get(key)?.As<Service>();
        var port = service?.Spec.Ports.FirstOrDefault(p => p.Name == backend.Port || p.Port.ToString() == backend.Port);
        if (service is null || port is null)
        {
            sink.Set(backend, EndpointsSnapshot.Empty);
        }
        else if (service.Spec.Type == "ExternalName")
        {
            sink.Set(backend, EndpointsSnapshot.Of(new BackendEndpoint(service.Spec.ExternalName, port.Port, $"{service.Spec.ExternalName}:{port.Port}")));
        }
        else
        {
            sink.Set(backend, Snapshot(key, port.Name));
        }
    }

    private EndpointsSnapshot Snapshot(ObjectKey service, string portName)
    {
        var endpoints = ImmutableArray.CreateBuilder<BackendEndpoint>();
        foreach (var key in _slices.GetValueOrDefault(service, []).OrderBy(k => k.Name, StringComparer.Ordinal))
        {
            if (client.Cache(Kinds.EndpointSlice).Get(key)?.As<EndpointSlice>() is not { } slice
                || slice.Ports.FirstOrDefault(p => p.Name == portName)?.Port is not { } port)
            {
                continue;
            }
            foreach (var endpoint in slice.Endpoints.Where(e => e.Addresses.Count > 0))
            {
                var id = endpoint.TargetRef?.Uid is { Length: > 0 } uid ? uid : $"{endpoint.Addresses[0]}:{port}";
                var state = endpoint.Conditions.Ready == false ? EndpointState.Draining : EndpointState.Ready;
                endpoints.Add(new BackendEndpoint(endpoint.Addresses[0], port, id, state));
            }
        }
        return new EndpointsSnapshot(endpoints.ToImmutable());
    }
}
