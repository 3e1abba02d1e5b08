using Serval.Kube;

namespace Serval.Controllers.Tests.Serving;

/// <summary>Finds every image but those named missing.</summary>
internal sealed class TestImages : IImageResolver
{
    public HashSet<string> Missing { get; } = [];

    public ValueTask<ResolvedImage> ResolveAsync(string reference, CancellationToken ct) => Missing.Contains(reference)
        ? throw new ImageNotFoundException("no such image")
        : ValueTask.FromResult(new ResolvedImage("sha256:" + new string('a', 64), reference.Split(':')[0] + "@sha256:" + new string('a', 64)));
}
