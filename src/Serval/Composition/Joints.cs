using System.Buffers;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Images;
using Serval.Kube;
using Serval.Proxy;
using Serval.Routing;

namespace Serval.Composition;

/// <summary>Proxy's demand → the autoscaler's signal.</summary>
internal sealed class DemandJoint(IDemandSignal autoscaler, string gateway) : IDemandSink
{
    public void Report(ReadOnlySpan<BackendDemand> demand)
    {
        var rented = ArrayPool<RevisionDemand>.Shared.Rent(Math.Max(1, demand.Length));
        for (var i = 0; i < demand.Length; i++)
        {
            var d = demand[i];
            rented[i] = new RevisionDemand(new ObjectKey(d.Backend.Namespace, d.Backend.Name), d.InFlight, d.Held, d.AverageConcurrency, d.Requests);
        }
        autoscaler.Report(gateway, rented.AsSpan(0, demand.Length));
        ArrayPool<RevisionDemand>.Shared.Return(rented);
    }
}

/// <summary>A pod may be told to stop when the proxy has no request in flight at it.</summary>
internal sealed class DrainJoint(ProxyServer proxy) : IDrainGate
{
    public Task WhenIdleAsync(ObjectKey revision, string podUid, CancellationToken ct) =>
        revision.Name.Length == 0 ? Task.CompletedTask : proxy.WhenIdleAsync(BackendKey.Revision(revision.Namespace, revision.Name), podUid, ct);

    public Task WhenEmptyAsync(ObjectKey revision, string podUid, CancellationToken ct) =>
        revision.Name.Length == 0 ? Task.CompletedTask : proxy.WhenEmptyAsync(BackendKey.Revision(revision.Namespace, revision.Name), podUid, ct);
}

/// <summary>A revision's condition → what the gateway may tell of it: the reason alone, as its message may quote the program.</summary>
internal sealed class RevisionJoint(IKubeClient client)
{
    public string? WhyNotReady(BackendKey backend) =>
        backend.Kind == BackendKind.Revision && client.Cache(Kinds.Revision).Get(new ObjectKey(backend.Namespace, backend.Name)) is { } revision
            ? revision.As<Revision>().Status.Conditions.FirstOrDefault(c => c is { Type: "Ready", Status: "False", Reason.Length: > 0 })?.Reason
            : null;
}

/// <summary>The image store → what controllers ask of it.</summary>
internal sealed class ImageJoint(ImageStore images) : IImageResolver
{
    public async ValueTask<ResolvedImage> ResolveAsync(string reference, CancellationToken ct)
    {
        try
        {
            var found = await images.ResolveAsync(reference, ct);
            return new ResolvedImage(found.Digest, found.Reference);
        }
        catch (ImageException e)
        {
            throw new ImageNotFoundException(e.Message);
        }
    }
}
