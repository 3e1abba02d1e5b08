using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Tests.Serving;

/// <summary>Finds every image but those named missing.</summary>
internal sealed class TestImages : IImageResolver
{
    public HashSet<string> Missing { get; } = [];

    /// <summary>Nobody is there who could say.</summary>
    public bool NoAnswer { get; set; }

    /// <summary>Never answers.</summary>
    public bool Silent { get; set; }

    public async ValueTask<ResolvedImage> ResolveAsync(string reference, CancellationToken ct)
    {
        if (Silent)
        {
            await new TaskCompletionSource().Task.WaitAsync(ct);
        }
        if (NoAnswer)
        {
            throw new ApiException(503, "ServiceUnavailable", "no node is there");
        }
        return Missing.Contains(reference)
            ? throw new ImageNotFoundException("no such image")
            : new ResolvedImage("sha256:" + new string('a', 64), reference.Split(':')[0] + "@sha256:" + new string('a', 64));
    }
}
